export const orderPaid = 'order.paid';
