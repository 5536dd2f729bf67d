import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { definedJobs, type JobDefinition } from './job.js';
import { handledBy, type JobRun, type ScheduleDefinition, scheduleOf } from './jobs.decorator.js';

/** What does the work of one name. */
export interface JobHandler {
  where: string;
  /** Null for a schedule. */
  job: JobDefinition | null;
  schedule: ScheduleDefinition | null;
  maxAttempts?: number;
  timeoutSeconds?: number;
  call: (payload: object, run: JobRun) => Promise<void>;
}

type Method = (...args: unknown[]) => Promise<void>;

const FIELD = /^(\*|\d+(-\d+)?)(\/\d+)?(,(\*|\d+(-\d+)?)(\/\d+)?)*$/;

/** The methods that do the work, found among the providers. Stops the start when a job has none, or two. */
@Injectable()
export class JobHandlers implements OnModuleInit {
  private readonly byName = new Map<string, JobHandler>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  onModuleInit(): void {
    const faults: string[] = [];
    for (const handler of this.find()) {
      const name = handler.job?.name ?? handler.schedule!.name;
      const other = this.byName.get(name);
      if (other) faults.push(`${name} is done by ${other.where} and by ${handler.where}: keep one of them.`);
      if (handler.schedule && !isCron(handler.schedule.cron))
        faults.push(`${handler.where} is scheduled at "${handler.schedule.cron}", which is no crontab line: write five fields.`);
      this.byName.set(name, handler);
    }
    for (const { name } of definedJobs())
      if (!this.byName.has(name)) faults.push(`The job ${name} is done by nobody: mark a method of a provider with @Handles(…).`);
    if (faults.length > 0) throw new Error(`The application cannot start:\n  ${faults.join('\n  ')}`);
  }

  get(name: string): JobHandler | undefined {
    return this.byName.get(name);
  }

  all(): [string, JobHandler][] {
    return [...this.byName];
  }

  private *find(): Iterable<JobHandler> {
    const instances = new Set(
      [...this.discovery.getProviders(), ...this.discovery.getControllers()].map(({ instance }) => instance as unknown),
    );
    for (const instance of instances) {
      if (typeof instance !== 'object' || instance === null) continue;
      const prototype = Object.getPrototypeOf(instance) as Record<string, Method> | null;
      if (prototype === null || prototype === Object.prototype) continue;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const method = prototype[name]!;
        const where = `${instance.constructor.name}.${name}`;
        const [job, schedule] = [handledBy(method), scheduleOf(method)];
        if (job) yield { ...job.options, where, job, schedule: null, call: (payload, run) => method.call(instance, payload, run) };
        if (schedule) yield { ...schedule, where, job: null, schedule, call: (_, run) => method.call(instance, run) };
      }
    }
  }
}

/** Roughly: the worker, which reads it exactly, is loaded only after the start. */
function isCron(line: string): boolean {
  const fields = line.split(' ');
  return fields.length === 5 && fields.every((field) => FIELD.test(field));
}
