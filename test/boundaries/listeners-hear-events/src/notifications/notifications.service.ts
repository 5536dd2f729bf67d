import { orderPaid } from '../orders/orders.events.js';

export const name = orderPaid;
