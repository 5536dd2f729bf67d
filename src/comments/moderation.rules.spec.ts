import { describe, expect, it } from '@jest/globals';
import { holdsOf, holdsWord, normaliseWords } from './moderation.rules.js';

const rules = { holdFirstComment: true, maxLinks: 2, blockedWords: ['Casino', 'cheap watches'], trustedRoles: ['editor'] };
const judged = { roles: ['customer'], texts: ['Well said.'], links: 0, known: true };

describe('a comment waits', () => {
  it('for nothing when it breaks no rule', () => {
    expect(holdsOf(judged, rules)).toEqual([]);
    expect(holdsOf({ ...judged, links: 2 }, rules)).toEqual([]);
    expect(holdsOf({ ...judged, known: false }, { ...rules, holdFirstComment: false })).toEqual([]);
  });

  it('for each rule that it breaks', () => {
    expect(holdsOf({ ...judged, known: false }, rules)).toEqual(['first-comment']);
    expect(holdsOf({ ...judged, links: 3 }, rules)).toEqual(['links']);
    expect(holdsOf({ ...judged, texts: ['fine', 'a casino'] }, rules)).toEqual(['words']);
    expect(holdsOf({ roles: [], texts: ['casino'], links: 9, known: false }, rules)).toEqual(['first-comment', 'links', 'words']);
  });

  it('for nothing when its author is trusted', () => {
    expect(holdsOf({ roles: ['customer', 'editor'], texts: ['casino'], links: 9, known: false }, rules)).toEqual([]);
  });
});

describe('a word is found', () => {
  it.each([
    'Visit my CASINO!',
    'cásinó',
    'ca\u200bsi\u00adno',
    'c\u202easino',
    '\uff43\uff41\uff53\uff49\uff4e\uff4f',
    'casino',
    '(casino)',
    'the cheap,\n watches',
  ])('in %j', (text) => {
    expect(holdsWord(text, rules.blockedWords)).toBe(true);
  });

  it.each(['casinos', 'occasino', 'cheap', 'watches cheap', '', '🙂'])('not in %j', (text) => {
    expect(holdsWord(text, rules.blockedWords)).toBe(false);
  });

  it('as what it says, whatever that would mean in a pattern', () => {
    expect(holdsWord('anything at all', ['.*', '(a+)+$', ''])).toBe(false);
    expect(holdsWord('I write c++ all day', ['c++'])).toBe(true);
    expect(normaliseWords('.* ()')).toBe('');
  });
});
