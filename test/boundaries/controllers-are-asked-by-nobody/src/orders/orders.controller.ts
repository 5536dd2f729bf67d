export class OrdersController {}
