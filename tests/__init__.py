"""The tests of taskhub."""
