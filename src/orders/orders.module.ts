import { Module } from '@nestjs/common';
import { PaymentsModule } from '../payments/payments.module.js';
import { ProductsModule } from '../products/products.module.js';
import { OrdersController } from './orders.controller.js';
import { OrdersJobs } from './orders.jobs.js';
import { OrdersPrivacy } from './orders.privacy.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [PaymentsModule, ProductsModule],
  controllers: [OrdersController],
  providers: [OrdersService, OrdersJobs, OrdersPrivacy],
  exports: [OrdersService],
})
export class OrdersModule {}
