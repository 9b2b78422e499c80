print("lazy is imported")
thing = "thing"
