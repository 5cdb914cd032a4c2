"""What clinicians did with the cards they were shown: counted, made safe to share, and told. Pure."""
