const SHORTEST = 15; // NIST SP 800-63B-4, 3.1.1.2: without a second factor
const LONGEST = 128;

/** One spelling for every way of typing the same characters (NIST SP 800-63B-4, 3.1.1.2). */
export function normalise(password: string): string {
  return password.normalize('NFC');
}

/** What is wrong with a new password, as advice; null when it will do. Counts characters as people do, not bytes. */
export function weakness(password: string, person: { name: string; email: string }): string | null {
  const length = [...password].length;
  if (length < SHORTEST) return `It has ${length} characters; use at least ${SHORTEST}, such as four words that do not belong together.`;
  if (length > LONGEST) return `It has ${length} characters; ${LONGEST} are the most.`;
  if (new Set(password.toLowerCase()).size < 5) return 'It repeats very few characters; use words instead.';
  const bare = squeeze(password);
  const own = [person.email, person.email.split('@')[0]!, person.name, 'ashlar'].map(squeeze).filter((text) => text.length >= 4);
  const rest = own.reduce((text, word) => text.replaceAll(word, ''), bare);
  if (rest.length < SHORTEST / 2 && rest.length < bare.length)
    return 'It is made of your own name or address, or of our name; choose other words.';
  return null;
}

function squeeze(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
