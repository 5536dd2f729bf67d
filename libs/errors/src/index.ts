export { AppError, type FieldProblem } from './app-error.js';
export { problem, problemCatalogue, type ErrorKind, type ProblemDefinition } from './problem.js';
