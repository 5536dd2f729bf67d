import { OrdersController } from './orders.controller.js';

export const controller = new OrdersController();
