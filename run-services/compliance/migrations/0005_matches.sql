-- Each run looks through all matches for parties that were never announced.
create index screenings_matches on screenings (address) where result = 'match';
