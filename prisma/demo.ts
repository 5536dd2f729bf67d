/** What the demo world says and sells. */

interface DemoVariant {
  sku: string;
  name: string;
  amount: number;
  stock: number;
}

const post = (title: string, tags: string[], body: string) => ({ title, tags, body });

/** Some of the posts are read in this order. */
export const SERIES = {
  title: 'How a back end is built',
  description: 'From the first command to the last line of the log.',
  posts: ['One command, one back end', 'Who may know whom', 'Tests on the real database', 'Logs with one line a request'],
};

/** Oldest first. */
export const POSTS = [
  post(
    'Why we keep a ledger for stock',
    ['commerce', 'engineering'],
    'A number that only **changes** tells you nothing. A ledger tells you *who* took the last mug, and when.\n\n- every movement has a reason\n- the sum is the stock\n- nobody edits the past',
  ),
  post(
    'One command, one back end',
    ['engineering'],
    'Setting up a project is not a rite of passage. `npm ci && npm start` is the whole of it.',
  ),
  post(
    'What an error should say',
    ['api'],
    'Three things: **what** it was about, **why** it failed, and **the way out**.\n\n> "Invalid input" is a shrug, not an error message.',
  ),
  post(
    'Cursors instead of page numbers',
    ['api', 'engineering'],
    'Page 5,000 costs as much as page 1 when you ask for *what comes after this row* instead of *skip a hundred thousand*.',
  ),
  post(
    'The ten-second grace',
    ['security'],
    'Two browser tabs refresh at once. One of them is not a thief. The same token gives the same successor for ten seconds, and after that it ends the session.',
  ),
  post(
    'Retries that are safe',
    ['api', 'commerce'],
    'Send an `Idempotency-Key`. If the network eats our answer, send the call again: you get the first answer, byte for byte, and one order.',
  ),
  post(
    'Sold out means sold out',
    ['commerce'],
    'Two hundred people want twenty mugs. Twenty of them get one. The database decides, in one statement, and nobody gets an apology by mail.',
  ),
  post(
    'A small tour of PostgreSQL',
    ['engineering'],
    'Rows, locks, search, signals: most back ends ask for five services before they have asked the first what it can do.',
  ),
  post(
    'Drafts are private',
    ['publishing'],
    'What is not published does not exist, for anybody but its author and the editors. Not 403: 404.',
  ),
  post(
    'Versions and lost updates',
    ['publishing', 'api'],
    'Two editors open the same post. The second to save gets a 412, and loses nothing: the text is still in their editor.',
  ),
  post(
    'Scheduling without a scheduler',
    ['publishing', 'engineering'],
    'A post is out when its time has come. That is a comparison, not a cron job.',
  ),
  post('Passphrases are kinder', ['security'], 'Four words that do not belong together beat `P@ssw0rd1!`, and you can remember them.'),
  post(
    'Logs with one line a request',
    ['operations'],
    'Who, what, how long, and how it ended. Anything else is noise until you need it, and then you want a trace.',
  ),
  post(
    'Stopping is a feature',
    ['operations'],
    'First we say that we are not ready. Then we finish what we began. Then we leave, with exit code 0.',
  ),
  post(
    'Money is an integer',
    ['commerce', 'engineering'],
    '| float | integer |\n|---|---|\n| 0.1 + 0.2 | 10 + 20 |\n| 0.30000000000000004 | 30 |',
  ),
  post(
    'Who may know whom',
    ['engineering'],
    'A module that must ask its neighbour says so in one table. Nothing points back. The check reads the table, too.',
  ),
  post('Tests on the real database', ['engineering'], 'A mock agrees with you. A database does not. We prefer the second opinion.'),
  post(
    'Deny by default',
    ['security', 'api'],
    'A route that does not say who may call it stops the start. That is the only time we are glad of a crash.',
  ),
  post(
    'Reading the generated documentation',
    ['api', 'operations'],
    'The document at `/openapi.json` is made from the code, and the check fails when the two disagree.',
  ),
  post(
    'Welcome to Ashlar',
    ['publishing'],
    'An **ashlar** is a stone that is cut so well that it needs no mortar.[^1]\n\n## What to try\n\n- [x] start it\n- [ ] log in as one of the demo people\n- [ ] write a post, buy a mug\n\n## What to read\n\nThe code: it is shorter than you think.\n\n[^1]: Masons call it *dressed* stone.',
  ),
];

/** A shop in the Netherlands that sells to its neighbours, at final prices; what leaves them is not taxed. */
export const SHOP = {
  currencies: ['EUR'],
  country: 'NL',
  pricesIncludeTax: true,
  timeZone: 'Europe/Amsterdam',
  taxRates: [
    { country: 'NL', taxClass: 'standard', name: 'BTW', rate: '21' },
    { country: 'NL', taxClass: 'reduced', name: 'BTW', rate: '9' },
    { country: 'BE', taxClass: 'standard', name: 'BTW', rate: '21' },
    { country: 'BE', taxClass: 'reduced', name: 'BTW', rate: '6' },
    { country: 'DE', taxClass: 'standard', name: 'MwSt', rate: '19' },
    { country: 'DE', taxClass: 'reduced', name: 'MwSt', rate: '7' },
  ],
  shippingMethods: [
    { code: 'standard', name: 'By post, in three days', price: { amount: 0, currency: 'EUR' } },
    {
      code: 'express',
      name: 'Express, next day',
      countries: ['NL', 'BE', 'DE'],
      price: { amount: 990, currency: 'EUR' },
      freeFrom: 15_000,
    },
  ],
};

export const COUPONS = [
  { code: 'WELCOME-10', kind: 'percentage' as const, percentage: '10', description: 'For a first order.', perCustomerLimit: 1 },
  {
    code: 'FIVE-OFF',
    kind: 'fixed' as const,
    amounts: [{ amount: 500, currency: 'EUR' }],
    minimumSubtotals: [{ amount: 2_500, currency: 'EUR' }],
  },
];

const sizes = (sku: string, amount: number, stock: number): DemoVariant[] =>
  ['S', 'M', 'L'].map((size) => ({ sku: `${sku}-${size}`, name: size, amount, stock }));
const one = (sku: string, name: string, amount: number, stock: number): DemoVariant[] => [{ sku, name, amount, stock }];

export const PRODUCTS = [
  {
    name: 'Enamel mug',
    category: 'kitchen',
    description: 'Holds 300 ml and every temper.',
    variants: [...one('MUG-BLUE', 'Blue', 1490, 40), ...one('MUG-WHITE', 'White', 1490, 25)],
  },
  {
    name: 'Linen apron',
    category: 'kitchen',
    description: 'With a pocket that fits a phone, and one that does not.',
    variants: sizes('APRON', 3900, 12),
  },
  { name: 'Oak chopping board', category: 'kitchen', description: 'End grain, oiled, heavy.', variants: one('BOARD-OAK', 'Oak', 5900, 15) },
  {
    name: 'Pocket notebook',
    category: 'desk',
    description: '96 pages, dotted, opens flat.',
    variants: [...one('NOTE-RED', 'Red', 890, 120), ...one('NOTE-GREY', 'Grey', 890, 80)],
  },
  {
    name: 'Brass ruler',
    category: 'desk',
    description: '15 cm on one side, 6 inches on the other.',
    variants: one('RULER-15', '15 cm', 1250, 60),
  },
  {
    name: 'Desk lamp',
    category: 'desk',
    description: 'Warm light, long arm, one switch.',
    variants: [...one('LAMP-BLACK', 'Black', 8900, 9), ...one('LAMP-BRASS', 'Brass', 10900, 4)],
  },
  {
    name: 'Wool blanket',
    category: 'home',
    description: 'Woven in one piece, 130 by 180 cm.',
    variants: one('BLANKET-GREY', 'Grey', 11900, 10),
  },
  {
    name: 'Beeswax candle',
    category: 'home',
    description: 'Burns for twelve hours and smells of summer.',
    variants: one('CANDLE-12', '12 hours', 990, 200),
  },
  { name: 'Rain jacket', category: 'clothing', description: 'Waxed cotton, taped seams.', variants: sizes('JACKET', 14900, 8) },
  { name: 'Merino socks', category: 'clothing', description: 'A pair that stays a pair.', variants: sizes('SOCKS', 1690, 50) },
  { name: 'Canvas tote', category: 'clothing', description: 'Carries 15 kg of books.', variants: one('TOTE', 'Natural', 1990, 70) },
  {
    name: 'Last edition print',
    category: 'home',
    description: 'Numbered, and almost gone.',
    variants: one('PRINT-LAST', 'Framed', 24900, 1),
  },
];

/** What somebody says about the post of this place, and what others reply. */
interface DemoComment {
  post?: number;
  by: 'admin' | 'editor' | 'support' | 'customer';
  body: string;
  replies?: DemoComment[];
}

export const COMMENTS: DemoComment[] = [
  {
    post: 19,
    by: 'customer',
    body: 'This answered a question that I have had for **years**. Thank you.',
    replies: [
      {
        by: 'editor',
        body: 'Glad to hear that! Which one was it?',
        replies: [{ by: 'customer', body: 'Why nobody else could explain it in *one page*.' }],
      },
      { by: 'admin', body: 'We will write more about it.' },
    ],
  },
  { post: 19, by: 'support', body: 'People ask us about this every week. I shall send them here.' },
  {
    post: 18,
    by: 'customer',
    body: '> Keep it simple\n\nEasier said than done.',
    replies: [{ by: 'admin', body: 'That is why it is worth saying.' }],
  },
  { post: 17, by: 'support', body: 'Is there a longer version somewhere?' },
  { post: 16, by: 'customer', body: 'I tried it with `npm start`, and it just worked.' },
  { post: 15, by: 'editor', body: 'A second part follows next week.' },
  { post: 12, by: 'customer', body: 'I do not agree with all of it, but I am glad that somebody has written it down.' },
];
/** Links make it wait for a moderator. */
export const WAITING: DemoComment = {
  post: 19,
  by: 'customer',
  body: 'I have collected some more: https://example.com/one, https://example.com/two and https://example.com/three',
};
