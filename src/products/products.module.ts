import { Module } from '@nestjs/common';
import { ProductsController } from './products.controller.js';
import { ProductsPrivacy } from './products.privacy.js';
import { ProductsService } from './products.service.js';
import { StockInvariants } from './stock.invariants.js';
import { StockService } from './stock.service.js';
import { VariantsController } from './variants.controller.js';

@Module({
  controllers: [ProductsController, VariantsController],
  providers: [ProductsService, StockService, ProductsPrivacy, StockInvariants],
  exports: [ProductsService, StockService],
})
export class ProductsModule {}
