import { randomUUID } from 'node:crypto';
import { form } from '../../harness/uploads.js';
import { anAdmin, aProduct, aUser, unique } from '../../harness/people.js';
import { nounsOf, type World } from '../nouns.js';
import { SandboxService } from '../../../src/payments/sandbox.service.js';
import type { HappyCalls } from './happy.js';

/** Calls that ought to succeed, of what is for sale, and buying it. */
export function happyCallsOfShop(world: World): HappyCalls {
  const { app } = world;
  const { aCart, aCategory, aPriceList, aVariantImport, aCoupon, aLocation, anOrder, aPaidOrder, aShipment } = nounsOf(world);
  const address = { name: 'Ada Lovelace', line1: '12 Dean Street', city: 'London', postalCode: 'SW1Y 4JH', country: 'GB' };
  const { name: _, ...place } = address;
  const HAPPY: HappyCalls = {
    'products.list': async () => {
      await aProduct(app, { category: 'desk' });
      return [
        {},
        { query: 'q=product&category=desk&status=active&minPrice=1&maxPrice=999999&option=Size:S&available=true&sort=-name&limit=1' },
        { by: await anAdmin(app) },
      ];
    },
    'products.facets': async () => {
      await aProduct(app, { category: 'desk' });
      const query = 'q=product&category=desk&status=active&minPrice=1&maxPrice=999999&option=Colour:Blue&available=true';
      return [{}, { query }, { by: await anAdmin(app) }];
    },
    'products.create': async () => [
      {
        by: await anAdmin(app),
        body: {
          name: 'Mug',
          description: 'x',
          slug: `s-${unique()}`,
          category: 'kitchen',
          taxClass: 'reduced',
          status: 'active',
          options: [{ name: 'Colour', values: ['Blue'] }],
          images: [],
          variants: [
            {
              sku: unique(),
              name: 'Blue',
              price: { amount: 1, currency: 'EUR' },
              compareAtPrice: { amount: 2, currency: 'EUR' },
              optionValues: { Colour: 'Blue' },
              stock: 2,
              externalId: unique(),
              metadata: { a: 'b' },
            },
          ],
          externalId: unique(),
          metadata: { a: 'b' },
        },
      },
      { by: await anAdmin(app), body: { name: 'Mug' } },
    ],
    'products.get': async () => {
      const { id, slug } = await aProduct(app);
      return [{ params: { idOrSlug: id } }, { params: { idOrSlug: slug } }];
    },
    'products.update': async () => [
      {
        by: await anAdmin(app),
        params: { idOrSlug: (await aProduct(app)).id },
        body: {
          name: 'x',
          description: '',
          slug: `s-${unique()}`,
          category: null,
          taxClass: 'zero',
          status: 'archived',
          options: [{ name: 'Size', values: ['S', 'M'] }],
          images: [],
          externalId: null,
          metadata: {},
        },
      },
    ],
    'products.withdraw': async () => [{ by: await anAdmin(app), params: { idOrSlug: (await aProduct(app)).id } }],
    'products.addVariant': async () => [
      {
        by: await anAdmin(app),
        params: { id: (await aProduct(app)).id },
        body: {
          sku: unique(),
          name: 'Blue',
          price: { amount: 1, currency: 'EUR' },
          stock: 2,
          backorder: 'backorder',
          availableFrom: null,
          externalId: unique(),
          metadata: { a: 'b' },
        },
      },
    ],
    'categories.list': async () => {
      const by = await anAdmin(app);
      const { id } = await aCategory(by);
      await aCategory(by, { parentId: id });
      return [{}, { query: `parent=${id}&sort=-name&limit=1` }, { by, query: 'limit=1&sort=name' }];
    },
    'categories.create': async () => {
      const by = await anAdmin(app);
      const body = { name: 'Mugs', slug: `s-${unique()}`, parentId: (await aCategory(by)).id, position: 1 };
      return [
        { by, body },
        { by, body: { name: 'Mugs' } },
      ];
    },
    'categories.get': async () => {
      const { id, slug } = await aCategory(await anAdmin(app));
      return [{ params: { idOrSlug: id } }, { params: { idOrSlug: slug } }];
    },
    'categories.update': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { idOrSlug: (await aCategory(by)).id }, body: { name: 'x', parentId: null, position: 2 } }];
    },
    'categories.delete': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { idOrSlug: (await aCategory(by)).id } }];
    },
    'variantImports.import': async () => {
      const by = await anAdmin(app);
      await aVariantImport(by, 'done');
      return [{ by, query: 'dryRun=true', form: form([{ name: 'a.csv', bytes: 'sku\nx' }]) }];
    },
    'variantImports.list': async () => {
      const by = await anAdmin(app);
      for (let count = 0; count < 2; count++) await aVariantImport(by, 'done');
      return [{ by }, { by, query: 'limit=1&sort=createdAt' }];
    },
    'variantImports.get': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: await aVariantImport(by, 'done') } }];
    },
    'variantImports.problems': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: await aVariantImport(by, 'done') }, query: 'limit=1' }];
    },
    'variantImports.cancel': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: await aVariantImport(by, 'pending') } }];
    },
    'variantImports.export': async () => {
      await aProduct(app);
      return [{ by: await anAdmin(app) }];
    },
    'priceLists.list': async () => {
      const by = await anAdmin(app);
      for (let count = 0; count < 2; count++) await aPriceList(by);
      return [{ by }, { by, query: 'limit=1&sort=createdAt' }];
    },
    'priceLists.create': async () => {
      const by = await anAdmin(app);
      const window = { startsAt: '2098-01-01T00:00:00Z', endsAt: '2099-01-01T00:00:00Z' };
      return [
        { by, body: { name: 'Sale', currency: 'EUR', ...window, priority: 2, active: false } },
        { by, body: { name: 'Sale', currency: 'JPY' } },
      ];
    },
    'priceLists.get': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: await aPriceList(by) } }];
    },
    'priceLists.update': async () => {
      const by = await anAdmin(app);
      const body = { name: 'x', startsAt: null, endsAt: '2099-01-01T00:00:00Z', priority: 1, active: false };
      return [{ by, params: { id: await aPriceList(by) }, body }];
    },
    'priceLists.delete': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: await aPriceList(by) } }];
    },
    'priceLists.prices': async () => {
      const by = await anAdmin(app);
      const variantIds = [(await aProduct(app)).variants[0]!.id, (await aProduct(app)).variants[0]!.id];
      return [{ by, params: { id: await aPriceList(by, variantIds) }, query: 'limit=1' }];
    },
    'priceLists.setPrices': async () => {
      const by = await anAdmin(app);
      const [one, two] = [(await aProduct(app)).variants[0]!.id, (await aProduct(app)).variants[0]!.id];
      const body = {
        prices: [
          { variantId: one, amount: 1 },
          { variantId: two, amount: null },
        ],
      };
      return [{ by, params: { id: await aPriceList(by, [two]) }, body }];
    },
    'variants.get': async () => [{ params: { id: (await aProduct(app)).variants[0]!.id } }],
    'variants.update': async () => [
      {
        by: await anAdmin(app),
        params: { id: (await aProduct(app)).variants[0]!.id },
        body: {
          sku: unique(),
          name: 'x',
          price: { amount: 2, currency: 'USD' },
          backorder: 'preorder',
          availableFrom: '2030-01-01T00:00:00Z',
          compareAtPrice: { amount: 3, currency: 'USD' },
          optionValues: {},
          externalId: null,
          metadata: {},
        },
      },
    ],
    'variants.withdraw': async () => [{ by: await anAdmin(app), params: { id: (await aProduct(app)).variants[0]!.id } }],
    'variants.adjust': async () => [
      { by: await anAdmin(app), params: { id: (await aProduct(app)).variants[0]!.id }, body: { delta: 2, reason: 'x' } },
      {
        by: await anAdmin(app),
        params: { id: (await aProduct(app)).variants[0]!.id },
        body: { delta: 2, reason: 'x', locationId: await aLocation(await anAdmin(app)), reference: 'x' },
      },
    ],
    'variants.transfer': async () => {
      const by = await anAdmin(app);
      const { id: fromLocationId } = await app.prisma.stockLocation.findFirstOrThrow({ where: { isDefault: true } });
      const body = { fromLocationId, toLocationId: await aLocation(by), quantity: 2, reason: 'x' };
      return [{ by, params: { id: (await aProduct(app)).variants[0]!.id }, body }];
    },
    'variants.levels': async () => [{ by: await anAdmin(app), params: { id: (await aProduct(app)).variants[0]!.id } }],
    'locations.list': async () => {
      const by = await anAdmin(app);
      await aLocation(by);
      return [{ by }, { by, query: 'limit=1' }];
    },
    'locations.create': async () => [{ by: await anAdmin(app), body: { code: `l-${unique()}`, name: 'x' } }],
    'locations.get': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: await aLocation(by) } }];
    },
    'locations.update': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: await aLocation(by) }, body: { code: `l-${unique()}`, name: 'x', active: false } }];
    },
    'variants.movements': async () => [{ by: await anAdmin(app), params: { id: (await aProduct(app)).variants[0]!.id }, query: 'limit=1' }],
    'settings.get': async () => [{}, { by: await aUser(app) }],
    // Those that change nothing for the orders of other calls.
    'settings.change': async () => [
      {
        by: await anAdmin(app),
        body: {
          currencies: [],
          country: null,
          pricesIncludeTax: true,
          timeZone: 'Europe/Amsterdam',
          seller: { ...place, legalName: 'Ada Ltd', taxId: 'GB1', line2: 'x', region: 'y' },
          taxClasses: ['standard', 'reduced', 'zero'],
          taxRates: [{ country: 'AQ', region: 'x', taxClass: 'standard', name: 'VAT', rate: '19.5' }],
          shippingMethods: [],
        },
      },
      {
        by: await anAdmin(app),
        body: {
          shippingMethods: [{ code: 'x', name: 'x', countries: [], price: { amount: 0, currency: 'EUR' }, freeFrom: 1, taxClass: 'zero' }],
        },
      },
      { by: await anAdmin(app), body: {} },
    ],
    'coupons.list': async () => {
      const by = await anAdmin(app);
      const { code } = await aCoupon(by);
      await aCoupon(by);
      return [{ by }, { by, query: `code=${code}&sort=createdAt&limit=1` }, { by, query: 'limit=1' }];
    },
    'coupons.create': async () => {
      const by = await anAdmin(app);
      const limits = { usageLimit: 5, perCustomerLimit: 1, startsAt: '2026-01-01T00:00:00Z', endsAt: '2099-01-01T00:00:00Z', active: true };
      const amounts = [{ amount: 500, currency: 'EUR' }];
      return [
        { by, body: { code: unique(), kind: 'percentage', percentage: '12.5', description: 'x', minimumSubtotals: amounts, ...limits } },
        { by, body: { code: unique(), kind: 'fixed', amounts } },
        { by, body: { code: unique(), kind: 'free-shipping' } },
      ];
    },
    'coupons.get': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: (await aCoupon(by)).id } }];
    },
    'coupons.update': async () => {
      const by = await anAdmin(app);
      const changes = { description: 'x', percentage: '5', minimumSubtotals: [], usageLimit: null, perCustomerLimit: null };
      return [{ by, params: { id: (await aCoupon(by)).id }, body: { ...changes, startsAt: null, endsAt: null, active: false } }];
    },
    'coupons.delete': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: (await aCoupon(by)).id } }];
    },
    'carts.begin': async () => [{}, { by: await aUser(app) }],
    'carts.get': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aCart(by)).id } }];
    },
    'carts.update': async () => {
      const [by, { code }] = [await aUser(app), await aCoupon(await anAdmin(app))];
      const body = { couponCode: code, shippingMethod: null, shippingAddress: address };
      return [{ by, params: { id: (await aCart(by)).id }, body }];
    },
    'carts.remove': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aCart(by)).id } }];
    },
    'carts.set': async () => {
      const by = await aUser(app);
      const { id, variantId } = await aCart(by);
      return [{ by, params: { id, variantId }, body: { quantity: 2 } }];
    },
    'carts.unset': async () => {
      const by = await aUser(app);
      const { id, variantId } = await aCart(by);
      return [{ by, params: { id, variantId } }];
    },
    'carts.merge': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aCart(by)).id }, body: { token: (await aCart(null)).token } }];
    },
    'orders.place': async () => {
      const variantId = (await aProduct(app)).variants[0]!.id;
      const items = [{ variantId, quantity: 1 }];
      const guest = { body: { items, email: 'guest@example.org' }, headers: { 'idempotency-key': randomUUID() } };
      const by = await aUser(app);
      return [
        guest,
        { by, body: { cartId: (await aCart(by)).id } },
        {
          by: await aUser(app),
          body: {
            items,
            shippingAddress: { ...address, line2: 'x', region: 'y' },
            billingAddress: address,
            couponCode: (await aCoupon(await anAdmin(app))).code,
            shippingMethod: null,
            externalId: unique(),
            metadata: { a: 'b' },
          },
        },
        { by: await aUser(app), body: { items } },
      ];
    },
    'orders.quote': async () => [
      { by: await aUser(app), body: { items: [{ variantId: (await aProduct(app)).variants[0]!.id, quantity: 1 }], shippingAddress: null } },
    ],
    'orders.list': async () => {
      const by = await aUser(app);
      await anOrder(by, { shippingAddress: address });
      await anOrder(by);
      return [
        { by },
        { by, query: 'status=pending&from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&sort=createdAt&limit=1' },
        { by: await anAdmin(app), query: `customer=${by.id}` },
        { by: await anAdmin(app), query: 'q=1001' },
      ];
    },
    'statistics.get': async () => {
      await aPaidOrder(await aUser(app));
      const time = 'from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z';
      return [{ by: await anAdmin(app) }, { by: await anAdmin(app), query: `${time}&currency=EUR` }];
    },
    'statistics.csv': async () => {
      await aPaidOrder(await aUser(app));
      return [
        { by: await anAdmin(app) },
        { by: await anAdmin(app), query: 'status=paid&from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z' },
      ];
    },
    'orders.get': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await anOrder(by, { shippingAddress: address }) } }];
    },
    'orders.pay': async () => {
      const by = await aUser(app);
      return [
        { by, params: { id: await anOrder(by) }, body: { method: 'sandbox:decline' } },
        { by, params: { id: await anOrder(by) }, body: { method: 'sandbox:success' } },
      ];
    },
    'orders.payments': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await aPaidOrder(by) } }];
    },
    'returns.refund': async () => {
      const [by, buyer] = [await anAdmin(app), await aUser(app)];
      const amount = { amount: 1, currency: 'EUR' };
      return [
        { by, params: { id: await aPaidOrder(buyer) }, body: { amount, reason: 'x' } },
        { by, params: { id: await aPaidOrder(buyer) }, body: { reason: 'x', restock: true } },
      ];
    },
    'returns.list': async () => {
      const [by, buyer] = [await anAdmin(app), await aUser(app)];
      const id = await aPaidOrder(buyer);
      await world.product.request('POST', `orders/${id}/refunds`, {
        token: by.accessToken,
        headers: { 'idempotency-key': unique() },
        body: { reason: 'x', restock: true },
      });
      return [{ by: buyer, params: { id } }];
    },
    'shipments.ship': async () => {
      const [by, id] = [await anAdmin(app), await aPaidOrder(await aUser(app))];
      const variantId = (await app.prisma.orderLine.findFirstOrThrow({ where: { orderId: id } })).variantId;
      const body = { carrier: 'DHL', trackingNumber: 'x' };
      return [
        { by, params: { id }, body: { ...body, items: [{ variantId, quantity: 1 }] } },
        { by, params: { id: await aPaidOrder(await aUser(app)) }, body },
      ];
    },
    'shipments.list': async () => {
      const [by, admin] = [await aUser(app), await anAdmin(app)];
      const id = await aPaidOrder(by);
      await aShipment(admin, id);
      return [
        { by, params: { id } },
        { by: admin, params: { id }, query: 'sort=createdAt&limit=1' },
      ];
    },
    'shipments.deliver': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: await aShipment(by, await aPaidOrder(await aUser(app))) } }];
    },
    'invoices.ofOrder': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await aPaidOrder(by) } }];
    },
    'invoices.list': async () => {
      const [by, admin] = [await aUser(app), await anAdmin(app)];
      const id = await aPaidOrder(by);
      await world.product.request('POST', `orders/${id}/refunds`, {
        token: admin.accessToken,
        headers: { 'idempotency-key': unique() },
        body: { reason: 'x' },
      });
      return [{ by, params: { id } }];
    },
    'invoices.pdf': async () => {
      const by = await aUser(app);
      const id = await aPaidOrder(by);
      const { id: invoiceId } = await app.prisma.invoice.findFirstOrThrow({ where: { orderId: id } });
      return [{ by, params: { id, invoiceId } }];
    },
    'timelines.list': async () => {
      const [by, admin] = [await aUser(app), await anAdmin(app)];
      const id = await aPaidOrder(by);
      await world.product.request('POST', `orders/${id}/notes`, { token: admin.accessToken, body: { text: 'x', shared: true } });
      return [
        { by, params: { id } },
        { by: admin, params: { id }, query: 'sort=-occurredAt&limit=1' },
      ];
    },
    'timelines.write': async () => {
      const [by, id] = [await anAdmin(app), await anOrder(await aUser(app))];
      return [
        { by, params: { id }, body: { text: 'x' } },
        { by, params: { id }, body: { text: 'x', shared: true } },
      ];
    },
    'timelines.listNotes': async () => {
      const [by, admin] = [await aUser(app), await anAdmin(app)];
      const id = await anOrder(by);
      for (const shared of [true, true, false])
        await world.product.request('POST', `orders/${id}/notes`, { token: admin.accessToken, body: { text: 'x', shared } });
      return [
        { by, params: { id } },
        { by: admin, params: { id }, query: 'sort=createdAt&limit=1' },
      ];
    },
    'paymentWebhooks.receive': async () => {
      const body = JSON.stringify({ id: `evt_${unique()}`, type: 'weather.changed', data: null });
      const headers = app.get(SandboxService).sign(body, new Date());
      return [{ params: { provider: 'sandbox' }, form: { type: 'application/json', body: Buffer.from(body) }, headers }];
    },
    'orders.cancel': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await anOrder(by) } }];
    },
  };
  return HAPPY;
}
