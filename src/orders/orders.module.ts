import { Module } from '@nestjs/common';
import { PaymentsModule } from '../payments/payments.module.js';
import { ProductsModule } from '../products/products.module.js';
import { ShopModule } from '../shop/shop.module.js';
import { CartsController } from './carts.controller.js';
import { CartsJobs } from './carts.jobs.js';
import { CartsPrivacy } from './carts.privacy.js';
import { CartsService } from './carts.service.js';
import { CancellationsService } from './cancellations.service.js';
import { ChargesService } from './charges.service.js';
import { IncomingService } from './incoming.service.js';
import { GuestPagesController } from './guest-pages.controller.js';
import { GuestsListener } from './guests.listener.js';
import { OrderExportsService } from './exports.service.js';
import { InvoicesController } from './invoices.controller.js';
import { InvoicesInvariants } from './invoices.invariants.js';
import { InvoicesService } from './invoices.service.js';
import { NotesService } from './notes.service.js';
import { OrdersController } from './orders.controller.js';
import { OrdersInvariants } from './orders.invariants.js';
import { OrdersJobs } from './orders.jobs.js';
import { OrdersPrivacy } from './orders.privacy.js';
import { OrdersService } from './orders.service.js';
import { PdfsService } from './pdfs.service.js';
import { PlacementsService } from './placements.service.js';
import { PricingService } from './pricing.service.js';
import { ReturnsController } from './returns.controller.js';
import { ReturnsService } from './returns.service.js';
import { ShipmentsController } from './shipments.controller.js';
import { ShipmentsService } from './shipments.service.js';
import { StatisticsController } from './statistics.controller.js';
import { StatisticsService } from './statistics.service.js';
import { TimelinesController } from './timelines.controller.js';
import { TimelinesService } from './timelines.service.js';

@Module({
  imports: [PaymentsModule, ProductsModule, ShopModule],
  controllers: [
    CartsController,
    StatisticsController,
    OrdersController,
    InvoicesController,
    ReturnsController,
    ShipmentsController,
    TimelinesController,
    GuestPagesController,
  ],
  providers: [
    OrdersService,
    PricingService,
    CartsService,
    CartsJobs,
    CartsPrivacy,
    PlacementsService,
    GuestsListener,
    ChargesService,
    CancellationsService,
    ReturnsService,
    InvoicesService,
    PdfsService,
    StatisticsService,
    OrderExportsService,
    ShipmentsService,
    NotesService,
    TimelinesService,
    IncomingService,
    OrdersJobs,
    OrdersPrivacy,
    OrdersInvariants,
    InvoicesInvariants,
  ],
  exports: [OrdersService, ShipmentsService],
})
export class OrdersModule {}
