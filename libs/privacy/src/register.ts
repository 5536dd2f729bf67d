import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { PersonalData } from './personal-data.js';

/** Everything that is held about people, by who holds it. */
@Injectable()
export class PersonalDataRegister implements OnModuleInit {
  private entries: readonly PersonalData[] = [];

  constructor(private readonly discovery: DiscoveryService) {}

  onModuleInit(): void {
    const found = new Set(this.discovery.getProviders().map(({ instance }) => instance as unknown));
    const entries = [...found].filter((instance) => instance instanceof PersonalData).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const what of [entries.map(({ name }) => name), entries.flatMap(({ tables }) => tables)]) refuseTwice(what);
    this.entries = entries;
  }

  get all(): readonly PersonalData[] {
    return this.entries;
  }
}

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw new Error(`Two providers answer for the personal data ${twice}: each name and each table belongs to one.`);
}
