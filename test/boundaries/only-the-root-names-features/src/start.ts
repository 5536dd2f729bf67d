import { UsersModule } from './users/users.module.js';

export const modules = [UsersModule];
