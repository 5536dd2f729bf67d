/** NIST SP 800-63B-4, 3.1.1.2: as the only factor, and as one of two. */
const SHORTEST = { alone: 15, withSecondFactor: 8 };
const LONGEST = 128;

/** What a password is hashed with: of argon2id in version 1.3, memory in KiB, rounds and lanes. */
export interface HashParameters {
  memoryCost: number;
  timeCost: number;
  parallelism: number;
}

/** One spelling for every way of typing the same characters (NIST SP 800-63B-4, 3.1.1.2). */
export function normalise(password: string): string {
  return password.normalize('NFC');
}

/** Whether a PHC string says that it was made with less than these parameters, or with another function. */
export function isWeakerThan(hash: string, { memoryCost, timeCost, parallelism }: HashParameters): boolean {
  const [, memory, rounds, lanes] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(hash) ?? [];
  return memory === undefined || Number(memory) < memoryCost || Number(rounds) < timeCost || Number(lanes) < parallelism;
}

/** What is wrong with a new password by itself, as advice; null when it will do. Counts characters as people do, not bytes. */
export function weakness(password: string, person: { name: string; email: string }, { secondFactor = false } = {}): string | null {
  const length = [...password].length;
  const shortest = secondFactor ? SHORTEST.withSecondFactor : SHORTEST.alone;
  if (length < shortest) return `It has ${length} characters; use at least ${shortest}, such as four words that do not belong together.`;
  if (length > LONGEST) return `It has ${length} characters; ${LONGEST} are the most.`;
  if (new Set(password.toLowerCase()).size < 5) return 'It repeats very few characters; use words instead.';
  const bare = squeeze(password);
  const own = [person.email, person.email.split('@')[0]!, person.name, ...person.name.split(/\s+/), 'ashlar']
    .map(squeeze)
    .filter((text) => text.length >= 4)
    .sort((a, b) => b.length - a.length);
  const rest = own.reduce((text, word) => text.replaceAll(word, ''), bare);
  if (rest.length < shortest / 2 && rest.length < bare.length)
    return 'It is made of your own name or address, or of our name; choose other words.';
  return null;
}

function squeeze(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
