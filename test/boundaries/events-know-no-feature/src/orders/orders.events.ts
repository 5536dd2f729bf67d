import { OrdersService } from './orders.service.js';

export const service = new OrdersService();
