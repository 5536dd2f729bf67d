import { Controller, Get, Param, type StreamableFile } from '@nestjs/common';
import { ContentReply, IdPipe, Problems, rangeNotSatisfiable, Sends, SendsContent } from '#http';
import { Actor, Caller, SignedIn } from '#security';
import { InvoiceList, InvoiceResponse } from './invoices.dto.js';
import { InvoicesService } from './invoices.service.js';
import { invoiceNotFound, orderNotFound } from './orders.errors.js';

@Controller('orders/:id')
export class InvoicesController {
  constructor(private readonly invoices: InvoicesService) {}

  /** The invoice of an order, as a PDF; there is one once the order is paid */
  @Get('invoice')
  @SignedIn()
  @SendsContent('application/pdf')
  @Problems(orderNotFound, invoiceNotFound, rangeNotSatisfiable)
  async ofOrder(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Sends() reply: ContentReply,
  ): Promise<StreamableFile | undefined> {
    return reply.send(await this.invoices.ofOrder(actor, id));
  }

  /** List the invoice of an order, and the credit notes about what was paid back of it */
  @Get('invoices')
  @SignedIn()
  @Problems(orderNotFound)
  async list(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<InvoiceList> {
    return { items: (await this.invoices.list(actor, id)).map(InvoiceResponse.from) };
  }

  /** An invoice or a credit note of an order, as a PDF */
  @Get('invoices/:invoiceId')
  @SignedIn()
  @SendsContent('application/pdf')
  @Problems(orderNotFound, invoiceNotFound, rangeNotSatisfiable)
  async pdf(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Param('invoiceId', IdPipe) invoiceId: string,
    @Sends() reply: ContentReply,
  ): Promise<StreamableFile | undefined> {
    return reply.send(await this.invoices.pdf(actor, id, invoiceId));
  }
}
