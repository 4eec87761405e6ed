"""What is wrong with a collection of pictures: copies, junk, unreadable pictures, wrong labels."""
