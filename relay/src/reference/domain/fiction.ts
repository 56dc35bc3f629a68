/** What the generator draws from when a contact leaves something open. None of it is about a real person or firm. */

const words = (list: string): readonly string[] => list.split('|');

export const FIRST_NAMES = words(
	'Ada|Amara|Anders|Beatriz|Chidi|Clara|Dmitri|Elif|Farah|Grace|Hiro|Ines|Jonas|Kavya|Leila|Mateo|Nadia|Omar|Priya|Quinn|Rosa|Sven|Tala|Zoe',
);

export const LAST_NAMES = words(
	'Abara|Bergström|Castellanos|Dubois|Eriksen|Fontaine|Grimaldi|Haddad|Ivanov|Jansen|Kowalczyk|Larsson|Moreau|Nakamura|Okafor|Petrov|Quiroga|Rossi|Sato|Tanaka|Ueda|Vargas|Weber|Yilmaz',
);

export const COMPANIES = words(
	'Blue Kettle|Copper Finch|Driftwood Labs|Ember and Oak|Fern Hollow|Glasswing|Harbour Nine|Ironleaf|Juniper Row|Kestrel Yard|Lantern Bay|Maple Circuit|North Quay|Otter Works|Paper Comet|Quiet Orbit',
);

export const TITLES = words(
	'Account Executive|Chief Executive Officer|Chief Marketing Officer|Customer Success Manager|Data Analyst|Director of Operations|Engineering Manager|Founder|Head of Growth|Head of Sales|Marketing Manager|Product Manager|Sales Director|Software Engineer|VP of Finance|VP of Sales',
);

export const LOCATIONS = words(
	'Amsterdam, North Holland, Netherlands|Austin, Texas, United States|Bengaluru, Karnataka, India|Berlin, Berlin, Germany|Boston, Massachusetts, United States|Denver, Colorado, United States|Dublin, Leinster, Ireland|Lisbon, Lisbon, Portugal|London, England, United Kingdom|Madrid, Madrid, Spain|Melbourne, Victoria, Australia|Paris, Île-de-France, France|San Francisco, California, United States|Stockholm, Stockholm, Sweden|Toronto, Ontario, Canada|Warsaw, Masovia, Poland',
);

/** North American area codes; 555-0100 to 555-0199 is fiction in every one of them. */
export const NPAS = [202, 212, 303, 312, 404, 415, 512, 617, 702, 713, 206, 305] as const;
