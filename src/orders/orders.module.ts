import { Module } from '@nestjs/common';
import { PaymentsModule } from '../payments/payments.module.js';
import { ProductsModule } from '../products/products.module.js';
import { ShopModule } from '../shop/shop.module.js';
import { CancellationsService } from './cancellations.service.js';
import { ChargesService } from './charges.service.js';
import { IncomingService } from './incoming.service.js';
import { OrdersController } from './orders.controller.js';
import { OrdersInvariants } from './orders.invariants.js';
import { OrdersJobs } from './orders.jobs.js';
import { OrdersPrivacy } from './orders.privacy.js';
import { OrdersService } from './orders.service.js';
import { PricingService } from './pricing.service.js';
import { ReturnsController } from './returns.controller.js';
import { ReturnsService } from './returns.service.js';

@Module({
  imports: [PaymentsModule, ProductsModule, ShopModule],
  controllers: [OrdersController, ReturnsController],
  providers: [
    OrdersService,
    PricingService,
    ChargesService,
    CancellationsService,
    ReturnsService,
    IncomingService,
    OrdersJobs,
    OrdersPrivacy,
    OrdersInvariants,
  ],
  exports: [OrdersService],
})
export class OrdersModule {}
