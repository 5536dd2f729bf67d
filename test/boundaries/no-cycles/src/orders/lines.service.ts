import { OrdersService } from './orders.service.js';

export class LinesService {
  readonly of = OrdersService;
}
