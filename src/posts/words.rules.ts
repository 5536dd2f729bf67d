/** Adults read so much in a minute, silently: English words (Brysbaert 2019), and characters of scripts that write no spaces. */
const WORDS_A_MINUTE = 238;
const IDEOGRAPHS_A_MINUTE = 500;
const LETTERS_A_MINUTE = 1_000;

const IDEOGRAPH = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu;
/** South-east Asian letters, whose words only a dictionary could tell apart. */
const UNSPACED = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;
const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:['’.-][\p{L}\p{N}][\p{L}\p{M}\p{N}]*)*/gu;

/** How many minutes it takes to read a text in any script: at least one. */
export function readingMinutes(text: string): number {
  const count = (characters: RegExp) => text.match(characters)?.length ?? 0;
  const spaced = text.replace(IDEOGRAPH, ' ').replace(UNSPACED, ' ');
  const minutes =
    (spaced.match(WORD)?.length ?? 0) / WORDS_A_MINUTE + count(IDEOGRAPH) / IDEOGRAPHS_A_MINUTE + count(UNSPACED) / LETTERS_A_MINUTE;
  return Math.max(1, Math.ceil(minutes));
}
