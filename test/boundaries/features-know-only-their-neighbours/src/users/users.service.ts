import { OrdersService } from '../orders/orders.service.js';

export class UsersService {
  constructor(readonly orders: OrdersService) {}
}
