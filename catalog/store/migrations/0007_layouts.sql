-- How the files of each repository are laid out; NULL where nothing was written since this is told.
ALTER TABLE repositories ADD COLUMN layout VARCHAR;
