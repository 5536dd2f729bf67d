import { Controller, Get, Param, type StreamableFile } from '@nestjs/common';
import { ContentReply, IdPipe, Problems, rangeNotSatisfiable, Sends, SendsContent } from '#http';
import { Actor, Caller, type Guest, SignedIn } from '#security';
import { InvoiceList, InvoiceResponse } from './invoices.dto.js';
import { InvoicesService } from './invoices.service.js';
import { invoiceNotFound, orderNotFound } from './orders.errors.js';

@Controller('orders/:id')
export class InvoicesController {
  constructor(private readonly invoices: InvoicesService) {}

  /** The invoice of an order, as a PDF; there is one once the order is paid */
  @Get('invoice')
  @SignedIn({ guests: { header: 'X-Order-Token' } })
  @SendsContent('application/pdf')
  @Problems(orderNotFound, invoiceNotFound, rangeNotSatisfiable)
  async ofOrder(
    @Caller() caller: Actor | Guest,
    @Param('id', IdPipe) id: string,
    @Sends() reply: ContentReply,
  ): Promise<StreamableFile | undefined> {
    return reply.send(await this.invoices.ofOrder(caller, id));
  }

  /** List the invoice of an order, and what corrects it: a credit note for each refund, a debit note where the money did not arrive */
  @Get('invoices')
  @SignedIn({ guests: { header: 'X-Order-Token' } })
  @Problems(orderNotFound)
  async list(@Caller() caller: Actor | Guest, @Param('id', IdPipe) id: string): Promise<InvoiceList> {
    return { items: (await this.invoices.list(caller, id)).map(InvoiceResponse.from) };
  }

  /** An invoice, a credit note or a debit note of an order, as a PDF */
  @Get('invoices/:invoiceId')
  @SignedIn({ guests: { header: 'X-Order-Token' } })
  @SendsContent('application/pdf')
  @Problems(orderNotFound, invoiceNotFound, rangeNotSatisfiable)
  async pdf(
    @Caller() caller: Actor | Guest,
    @Param('id', IdPipe) id: string,
    @Param('invoiceId', IdPipe) invoiceId: string,
    @Sends() reply: ContentReply,
  ): Promise<StreamableFile | undefined> {
    return reply.send(await this.invoices.pdf(caller, id, invoiceId));
  }
}
