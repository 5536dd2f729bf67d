// Orders and payments that lie about what things cost.
import { aKey, type Answer, inTurns, type Line, listed, nameOf, type OrderBody, tally } from './answers.ts';
import { fault, GOOD, one, pick, type Proof, type Random, required } from './proof.ts';

/** Ways to lie in an order, written over an honest one; texts are members as they are sent, so that NaN can be. */
const LIES: ((random: Random, variantId: string) => string)[] = [
  ...['0', '-1', '1e9', '0.1', '"1"', 'NaN', 'null', '1e400', '[1]', 'true', '9007199254740993'].map(
    (quantity) => (_: Random, variantId: string) => `{"items":[{"variantId":"${variantId}","quantity":${quantity}}]}`,
  ),
  ...['price', 'unitPrice', 'total', 'discount', 'currency', 'sku', 'tax'].map(
    (member) => (random: Random, variantId: string) =>
      `{"items":[{"variantId":"${variantId}","quantity":2,"${member}":${pick(random, ['1', '0', '-5', '"EUR"', '{"amount":1,"currency":"EUR"}'])}}]}`,
  ),
  ...['total', 'subtotal', 'discount', 'currency', 'tax', 'shipping', 'status', 'number', 'expiresAt', 'userId', 'version'].map(
    (member) => (random: Random, variantId: string) =>
      `{"items":[{"variantId":"${variantId}","quantity":2}],"${member}":${pick(random, ['1', '0', '-100', '"paid"', '"JPY"', '{"amount":1,"currency":"JPY"}'])}}`,
  ),
  (_, variantId) => `{"items":[{"variantId":"${variantId}","quantity":3},{"variantId":"${variantId}","quantity":-2}]}`,
  (_, variantId) => `{"items":[{"variantId":"${variantId}","quantity":1,"quantity":-1}]}`,
  (_, variantId) => `{"items":[{"variantId":"${variantId}","quantity":1,"__proto__":{"price":1}}]}`,
  () => `{"items":[]}`,
];

export const tampered: Proof = {
  name: 'tampered',
  claim: '200 tampered orders (price, total, currency, discount, quantity 0, −1, 1e9, 0.1, "1", NaN): none charged wrongly',
  run: async (shop, random, scaled) => {
    const many = scaled(200, LIES.length);
    const price = 1_337;
    const [variantId] = (await shop.stock([{ stock: 1_000, price }])) as [string];
    const answers: Answer<unknown>[] = [];
    const payments: Answer<unknown>[] = [];
    const faults: string[] = [];
    await inTurns(10, many, async (index) => {
      const buyer = shop.people[index % shop.people.length]!;
      const body = LIES[index % LIES.length]!(random, variantId);
      const answer = await shop.request<OrderBody>(index, 'POST', 'orders', { by: buyer, key: aKey(), body });
      answers.push(answer);
      if (answer.status >= 500) faults.push(`${body} is answered ${nameOf(answer)}`);
      if (answer.status !== 201) return;
      // It is taken: then for what is honest in it, and the price of the catalogue, which the books are compared with.
      const { items } = JSON.parse(body) as { items: { variantId: string; quantity: unknown }[] };
      const honest = items.every(({ quantity }) => typeof quantity === 'number' && Number.isInteger(quantity) && quantity > 0);
      fault(faults, honest, `${body} is taken, for ${answer.body.total.amount}`);
      shop.ledger.placed(answer.body, buyer, { items: honest ? (items as Line[]) : [] });
      await required(shop.pay(index, answer.body.id, pick(random, GOOD)));
    });
    // Payments are lied about, too: of honest orders, which are then charged as they should be.
    await inTurns(10, scaled(40, 8), async (index) => {
      const buyer = shop.people[index % shop.people.length]!;
      const { id } = (await required(shop.place(index, buyer, { items: one(variantId, 2) }))).body;
      const lie = pick(random, ['"amount":1', '"amount":{"amount":1,"currency":"EUR"}', '"currency":"JPY"', '"status":"succeeded"']);
      const body = `{"method":"pm_card_visa",${lie}}`;
      const refused = await shop.request(index, 'POST', `orders/${id}/payments`, { by: buyer, key: aKey(), body });
      payments.push(refused);
      fault(faults, refused.status === 400, `${body} is answered ${nameOf(refused)}`);
      await required(shop.pay(index, id, pick(random, GOOD)));
      shop.ledger.orders.get(id)!.paid = true;
    });
    return {
      numbers: `${many} orders: ${listed(tally(answers))}; ${payments.length} payments of honest orders: ${listed(tally(payments))}`,
      faults,
    };
  },
};
