import { Controller, Get, Param, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import { IdPipe, MadeAnew, Problems } from '#http';
import { Actor, Caller, SignedIn } from '#security';
import { InvoiceList, InvoiceResponse } from './invoices.dto.js';
import { type InvoiceFile, InvoicesService } from './invoices.service.js';
import { invoiceNotFound, orderNotFound } from './orders.errors.js';

@Controller('orders/:id')
export class InvoicesController {
  constructor(private readonly invoices: InvoicesService) {}

  /** The invoice of an order, as a PDF; there is one once the order is paid */
  @Get('invoice')
  @SignedIn()
  @MadeAnew()
  @ApiProduces('application/pdf')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @Problems(orderNotFound, invoiceNotFound)
  async ofOrder(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<StreamableFile> {
    return asDownload(await this.invoices.ofOrder(actor, id));
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
  @MadeAnew()
  @ApiProduces('application/pdf')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @Problems(orderNotFound, invoiceNotFound)
  async pdf(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Param('invoiceId', IdPipe) invoiceId: string,
  ): Promise<StreamableFile> {
    return asDownload(await this.invoices.pdf(actor, id, invoiceId));
  }
}

function asDownload({ name, bytes }: InvoiceFile): StreamableFile {
  return new StreamableFile(bytes, { type: 'application/pdf', disposition: `attachment; filename="${name}"`, length: bytes.length });
}
