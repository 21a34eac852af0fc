"""What each survey calls its columns: role files, schemas, citations."""
