"""The mood of headlines, the coins in them, the stories they tell. Pure but for its files."""
