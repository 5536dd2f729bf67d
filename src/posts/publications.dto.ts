import { IfPresent, Time } from '#http';
import { IsOptional } from 'class-validator';

export class PublishPostDto {
  /** When; now, if it is left out. A time to come schedules the post. @example "2030-01-01T08:00:00.000Z" */
  @IfPresent()
  @Time()
  at?: string;

  /**
   * When it ends: from then on it is public no more, and its status is `expired`. Left out, an end that is still to come stays; `null` removes
   * it. @example "2031-01-01T08:00:00.000Z"
   */
  @IsOptional()
  @Time()
  until?: string | null;
}
