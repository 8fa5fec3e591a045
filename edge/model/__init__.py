"""Values only, standard library only: what passes between the parts."""
