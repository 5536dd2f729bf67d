export class OrdersService {}
