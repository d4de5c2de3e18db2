"""From official files or planted worlds to sparse, split, labelled batches."""
