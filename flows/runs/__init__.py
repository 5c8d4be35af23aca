"""What flows share: planning, execution, gaps, repositories."""
