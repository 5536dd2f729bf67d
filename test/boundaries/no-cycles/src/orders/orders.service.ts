import { LinesService } from './lines.service.js';

export class OrdersService {
  readonly lines = new LinesService();
}
