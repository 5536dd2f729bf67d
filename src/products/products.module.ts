import { Module } from '@nestjs/common';
import { LocationsController } from './locations.controller.js';
import { LocationsService } from './locations.service.js';
import { ProductsController } from './products.controller.js';
import { ProductsPrivacy } from './products.privacy.js';
import { ProductsService } from './products.service.js';
import { StockInvariants } from './stock.invariants.js';
import { StockService } from './stock.service.js';
import { VariantsController } from './variants.controller.js';

@Module({
  controllers: [ProductsController, VariantsController, LocationsController],
  providers: [ProductsService, StockService, LocationsService, ProductsPrivacy, StockInvariants],
  exports: [ProductsService, StockService],
})
export class ProductsModule {}
