"""What joins the rooms below: build with a survey, the demo."""
