"""Rules tried on the past: what edited ones would have done, beside what those in force did."""
