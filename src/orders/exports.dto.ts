import { IfPresent, Time } from '#http';
import { IsIn } from 'class-validator';
import { STATUSES } from './orders.dto.js';

export class ExportOrdersQuery {
  @IfPresent()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  /** Placed at or after this time. @example "2026-01-01T00:00:00Z" */
  @IfPresent()
  @Time()
  from?: string;

  /** Placed before this time. @example "2027-01-01T00:00:00Z" */
  @IfPresent()
  @Time()
  to?: string;
}
