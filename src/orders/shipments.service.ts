import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, execute, Prisma, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { keyset, type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor, Guest } from '#security';
import { RefundsService } from '../payments/refunds.service.js';
import { orderNotShippable, shipmentNotFound } from './orders.errors.js';
import { shipmentCreated, shipmentDelivered } from './orders.events.js';
import { lockOrder, type Order } from './orders.queries.js';
import { aboutOrder, OrdersService } from './orders.service.js';
import { returnedSoFar } from './returns.rules.js';
import type { ListShipmentsQuery, ShipDto } from './shipments.dto.js';
import { maySend, parcelOf, unsentOf } from './shipments.rules.js';

const withLines = { include: { lines: { orderBy: { position: 'asc' } } } } satisfies Prisma.ShipmentDefaultArgs;
type Shipment = Prisma.ShipmentGetPayload<typeof withLines>;

/** A parcel, with the variant of each line of its order. */
export interface Shipped {
  shipment: Shipment;
  variants: string[];
}

const auditedShipment = audited('shipment', { orderId: 'plain', carrier: 'plain', trackingNumber: 'personal', deliveredAt: 'plain' });

/** What leaves the house, and whether it has arrived. Of no line more is sent than was bought and has not come back: the order is locked, and a CHECK stands behind it. */
@Injectable()
export class ShipmentsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly orders: OrdersService,
    private readonly refunds: RefundsService,
  ) {}

  /** Sends some of an order, or all that is left of it. @throws orders/not-shippable */
  async ship(actor: Actor, id: string, { carrier, trackingNumber, items }: ShipDto, db: Db = this.prisma): Promise<Shipped> {
    return transaction(db, async (tx) => {
      const order = await this.orders.lock(actor, id, tx);
      if (!maySend(order.status))
        throw orderNotShippable(`The order is ${order.status}; only what is paid for, and not cancelled or refunded, can be sent.`);
      const returned = returnedSoFar(await this.refunds.ofOrder(id, tx));
      const { lines, problems } = parcelOf(items, order.lines, unsentOf(order.lines, returned));
      if (problems.length > 0)
        throw orderNotShippable('Some of what is to be sent was not bought, was sent already, or has come back; see errors.', {
          fields: problems,
        });
      if (lines.length === 0) throw orderNotShippable('All of the order was sent already, or has come back.');
      const shipment = await tx.shipment.create({ data: { orderId: id, carrier, trackingNumber, lines: { create: lines } }, ...withLines });
      await execute(
        tx,
        Prisma.sql`UPDATE order_lines l SET shipped = l.shipped + s.quantity FROM shipment_lines s
          WHERE s.shipment_id = ${shipment.id}::uuid AND l.order_id = ${id}::uuid AND l.position = s.position`,
      );
      await record(tx, {
        actor,
        action: 'shipments.created',
        resource: auditedShipment(shipment.id),
        subject: order.userId,
        after: shipment,
      });
      await publish(tx, shipmentCreated, { orderId: id, number: order.number, shipmentId: shipment.id }, aboutOrder(actor, order));
      await this.orders.advance(actor, (await lockOrder(id, tx))!, returned, tx);
      return { shipment, variants: variantsOf(order) };
    });
  }

  /** Says that a parcel has arrived; one that had already stays as it is. @throws orders/shipment-not-found */
  async deliver(actor: Actor, id: string, db: Db = this.prisma): Promise<Shipped> {
    return transaction(db, async (tx) => {
      const found = await tx.shipment.findUnique({ where: { id }, ...withLines });
      if (found === null) throw shipmentNotFound('No shipment has this id.');
      const order = (await lockOrder(found.orderId, tx))!;
      const before = await tx.shipment.findUniqueOrThrow({ where: { id }, ...withLines });
      if (before.deliveredAt !== null) return { shipment: before, variants: variantsOf(order) };
      const shipment = await tx.shipment.update({ where: { id }, data: { deliveredAt: new Date() }, ...withLines });
      await record(tx, {
        actor,
        action: 'shipments.delivered',
        resource: auditedShipment(id),
        subject: order.userId,
        before,
        after: shipment,
      });
      await publish(tx, shipmentDelivered, { orderId: order.id, number: order.number, shipmentId: id }, aboutOrder(actor, order));
      await this.orders.advance(actor, order, returnedSoFar(await this.refunds.ofOrder(order.id, tx)), tx);
      return { shipment, variants: variantsOf(order) };
    });
  }

  /** What is in a parcel, and who brings it, for whoever tells its customer. */
  async parcel(
    id: string,
    db: Tx,
  ): Promise<{ carrier: string; trackingNumber: string | null; items: { name: string; quantity: number }[] }> {
    const { carrier, trackingNumber, lines, order } = await db.shipment.findUniqueOrThrow({
      where: { id },
      include: { ...withLines.include, order: { include: { lines: { orderBy: { position: 'asc' } } } } },
    });
    return { carrier, trackingNumber, items: lines.map(({ position, quantity }) => ({ name: order.lines[position]!.name, quantity })) };
  }

  async list(caller: Actor | Guest, id: string, query: ListShipmentsQuery): Promise<Page<Shipped>> {
    const variants = variantsOf(await this.orders.get(caller, id));
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const rows = await this.prisma.shipment.findMany({
      where: { AND: [{ orderId: id }, where] },
      orderBy,
      take: query.limit + 1,
      ...withLines,
    });
    return toPage(
      rows,
      query,
      ({ createdAt }) => createdAt,
      (shipment) => ({ shipment, variants }),
    );
  }
}

function variantsOf(order: Order): string[] {
  return order.lines.map(({ variantId }) => variantId);
}
