-- The language in which somebody registered, for mails that are sent when nobody is there to ask. Empty: English.
ALTER TABLE account ADD COLUMN language TEXT NOT NULL DEFAULT '';
