"""The twenty queries of Szalay et al. 2000 as ADQL, in the constants of 2000 and of 2002."""
