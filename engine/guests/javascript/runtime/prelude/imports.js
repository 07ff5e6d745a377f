// Functions of other components, as ES modules that are named by their interface.

import { ask } from "runtime:host";
import { awaitNext, callFunction, getResult, scheduleFunction, scheduleOf, setOf, stubExecution, submitTo } from "runtime:obelisk";

let imports = {};

// {specifier: [name in WIT]}, of the functions that the deployed components offer.
export function setImports(offered) {
  imports = offered;
}

// "fibo-submit" as JavaScript names it: "fiboSubmit".
export function camelName(wit) {
  return wit.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

export function exportsOf(specifier) {
  if (specifier.startsWith("obelisk:log/log")) {
    return Object.fromEntries(
      ["trace", "debug", "info", "warn", "error"].map((level) => [
        level,
        (message) => void ask("log", { level, message: String(message) }),
      ]),
    );
  }
  const names = imports[specifier];
  if (names === undefined) {
    throw new TypeError(`no component exports ${specifier}`);
  }
  return Object.fromEntries(
    names.map((wit) => {
      const name = camelName(wit);
      return [name, Object.defineProperty(proxy(specifier, wit), "name", { value: name })];
    }),
  );
}

function proxy(specifier, wit) {
  const [, name, extension, rest] = /^([^/]*?)(-obelisk-ext|-obelisk-schedule|-obelisk-stub)?(\/.*)$/.exec(specifier);
  const ffqn = (suffix) => `${name}${rest}.${wit.slice(0, wit.length - suffix.length)}`;
  switch (extension) {
    case undefined: {
      const target = ffqn("");
      return (...params) => callFunction(target, params);
    }
    case "-obelisk-schedule": {
      const target = ffqn("-schedule");
      return (at, ...params) => scheduleFunction(target, params, scheduleOf(at));
    }
    case "-obelisk-stub":
      return (executionId, result) => stubExecution(executionId, result);
  }
  if (wit.endsWith("-submit")) {
    const target = ffqn("-submit");
    return (joinSet, ...params) => submitTo(setOf(joinSet), target, params);
  }
  if (wit.endsWith("-await-next")) {
    return (joinSet) => awaitNext(setOf(joinSet));
  }
  return (executionId) => getResult(executionId);
}
