// Whatever the shop is told is shown as text.
const SCRIPT = `'use strict';
const said = document.querySelector('[role=status]');
const link = new URLSearchParams(location.hash.slice(1));
const orders = '../api/v1/orders/' + encodeURIComponent(link.get('id') ?? '');
const headers = { 'X-Order-Token': link.get('token') ?? '' };
const WORDS = {
  pending: 'It is placed, and waits for your payment.',
  paid: 'It is paid for.',
  shipped: 'It is on its way.',
  delivered: 'It has arrived.',
  cancelled: 'It is cancelled.',
  expired: 'It was not paid for in time, and is over.',
  refunded: 'It is paid back.',
};

const NAMES = { invoice: 'Invoice', 'credit-note': 'Credit note', 'debit-note': 'Debit note' };

async function call(path, options) {
  const answer = await fetch(orders + path, { ...options, headers }).catch(() => null);
  if (answer?.ok) return answer;
  said.textContent = answer ? (await answer.json()).detail : 'There is no connection; try again.';
  throw new Error(said.textContent);
}

function money({ amount, currency }) {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function add(parent, name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return parent.appendChild(element);
}

function row(table, name, price) {
  const tr = add(table, 'tr', '');
  add(tr, 'td', name);
  add(tr, 'td', money(price));
}

async function download({ id, kind, number }) {
  const file = await (await call('/invoices/' + id)).blob();
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(file);
  anchor.download = kind + '-' + number + '.pdf';
  anchor.click();
  URL.revokeObjectURL(anchor.href);
}

async function show() {
  said.textContent = '';
  const order = await (await call('')).json();
  const [{ items: invoices }, { items: parcels }, { items: notes }] = await Promise.all(
    ['/invoices', '/shipments', '/notes'].map(async (path) => (await call(path)).json()),
  );
  document.title = document.querySelector('h1').textContent = 'Order ' + order.number;
  const main = document.querySelector('main');
  main.replaceChildren();
  add(main, 'p', WORDS[order.status]);
  const table = add(main, 'table', '');
  for (const { quantity, name, total } of order.items) row(table, quantity + ' × ' + name, total);
  if (order.discount.amount > 0) row(table, 'Discount', { ...order.discount, amount: -order.discount.amount });
  if (order.shipping.amount > 0) row(table, 'Shipping', order.shipping);
  if (order.tax.amount > 0) row(table, 'Tax', order.tax);
  row(table, 'Total', order.total);
  for (const { carrier, trackingNumber, deliveredAt } of parcels)
    add(main, 'p', (deliveredAt ? 'Delivered by ' : 'With ') + carrier + (trackingNumber ? ': ' + trackingNumber : ''));
  for (const { text } of notes) add(main, 'blockquote', text);
  for (const invoice of invoices)
    add(main, 'button', NAMES[invoice.kind] + ' ' + invoice.number).onclick = () => download(invoice);
  if (order.status === 'pending' || (order.status === 'paid' && parcels.length === 0))
    add(main, 'button', 'Cancel the order').onclick = async () => {
      if (!confirm('Cancel the order?')) return;
      await call('/cancellation', { method: 'POST' });
      await show();
    };
}
addEventListener('unhandledrejection', (event) => event.preventDefault()); // it is said already
addEventListener('hashchange', () => location.reload());
void show();
`;

/** What the link of a guest's mail opens where no front end does: their order, read by its token. */
export const ORDER_PAGE = { title: 'Your order', body: '<main></main>', script: SCRIPT };
