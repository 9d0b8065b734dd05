"""The page over HTTPS: an authority of the kitchen's own, or the site's own certificate."""
