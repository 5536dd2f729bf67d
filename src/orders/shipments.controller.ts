import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Creates, Idempotent, IdPipe, type Once, Problems } from '#http';
import { Actor, Caller, type Guest, Requires, SignedIn } from '#security';
import { orderNotFound, orderNotShippable, shipmentNotFound } from './orders.errors.js';
import { ListShipmentsQuery, ShipDto, ShipmentList, ShipmentResponse } from './shipments.dto.js';
import { ShipmentsService } from './shipments.service.js';

@Controller()
export class ShipmentsController {
  constructor(private readonly shipments: ShipmentsService) {}

  /**
   * Send an order, wholly or in part
   *
   * An order is `shipped` once all of it is sent that has not come back. What is refunded by line before all is sent counts as what will not be
   * sent.
   */
  @Post('orders/:id/shipments')
  @Requires('orders:manage')
  @Creates('/orders/:orderId/shipments')
  @Problems(orderNotFound, orderNotShippable)
  ship(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() shipment: ShipDto,
    @Idempotent() once: Once,
  ): Promise<ShipmentResponse> {
    return once.do(async (db) => ShipmentResponse.from(await this.shipments.ship(actor, id, shipment, db)));
  }

  /** List the shipments of an order */
  @Get('orders/:id/shipments')
  @SignedIn({ guests: { header: 'X-Order-Token' } })
  @Problems(orderNotFound)
  async list(@Caller() caller: Actor | Guest, @Param('id', IdPipe) id: string, @Query() query: ListShipmentsQuery): Promise<ShipmentList> {
    const page = await this.shipments.list(caller, id, query);
    return { ...page, items: page.items.map(ShipmentResponse.from) };
  }

  /**
   * Say that a shipment has arrived
   *
   * An order is `delivered` once all of its shipments have.
   */
  @Post('shipments/:id/delivery')
  @Requires('orders:manage')
  @HttpCode(200)
  @Problems(shipmentNotFound)
  deliver(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Idempotent() once: Once): Promise<ShipmentResponse> {
    return once.do(async (db) => ShipmentResponse.from(await this.shipments.deliver(actor, id, db)));
  }
}
