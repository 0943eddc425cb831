"""Is what a composer writes worth playing? Every measure of the score model, of the arranger, and of people."""
