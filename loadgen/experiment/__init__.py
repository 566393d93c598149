"""What is compared with what: arms, their inputs, the order of blocks, the gate."""
