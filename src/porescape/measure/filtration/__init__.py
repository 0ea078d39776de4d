"""What a membrane lets pass and holds back: intrusion, porometry, retention."""
