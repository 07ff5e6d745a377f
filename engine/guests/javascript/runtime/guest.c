// The JavaScript guest runtime: QuickJS as a component of the world in engine/guests/wit.
//
// The language and its job queue are QuickJS's; what programs find in it (obelisk, fetch, console, URL, ...) is written
// in JavaScript beside this file and loaded while the runtime is built. build.sh takes a snapshot of the memory then, so
// that an instance starts with all of it in place.
//
// QuickJS is compiled as part of this unit, because two things need its insides: which names a module imports (to check
// them when it is deployed), and a limit of the stack, which QuickJS leaves out on this platform.

#include <stdio.h>
#include <sys/time.h>

// The debugging aids of QuickJS print. Nobody would read it, and printing alone would make the component import WASI.
#define printf(...) ((void)0)
#define fprintf(...) ((void)0)
#define vfprintf(...) ((void)0)
#define putchar(c) ((void)0)
#define fputc(c, f) ((void)0)
#define fputs(s, f) ((void)0)
#define putc(c, f) ((void)0)
#define fwrite(...) ((void)0)
#define fflush(f) ((void)0)

// QuickJS knows how much it uses of the shadow stack, which lies in memory, but not of the native one, which is the
// engine's and ends at 1 MiB (engine/wasm/engine.py). A function that recurses takes up to three times as much of the
// native one, if it has at least this much in the shadow one. So endless recursion is a RangeError; only nesting of
// hundreds of levels in source text that is evaluated at run time still ends in a trap.
#define STACK_LIMIT (304 * 1024)
#define LEAST_FRAME 64
static inline __attribute__((always_inline)) void *frame_address(void) {
    volatile char padding[LEAST_FRAME];
    padding[0] = 0;
    return (void *)padding;
}
#define __builtin_frame_address(level) frame_address()
#include "quickjs.c"
#undef __builtin_frame_address

#define EXPORT(name) __attribute__((export_name(name), used))
#define INTERFACE "obelisk:guest/runtime@1.0.0#"

typedef struct {
    char *text;
    size_t length;
} Text;

__attribute__((import_module("obelisk:guest/host@1.0.0"), import_name("call"))) extern void
host_call(const char *op, size_t op_length, const char *body, size_t body_length, Text *answer);

static JSRuntime *runtime;
static JSContext *context;
// The functions that the prelude hands over: what the exports do, and where modules come from.
static JSValue on_describe, on_run, on_query, on_normalize, on_load, on_locals;
static JSValue on_reject = JS_UNDEFINED;

// --- Where calls are made. Only runs that want to know find out: it costs a few microseconds a call. ------------------

#define MOST_FRAMES 50
static bool is_traced = false;

static size_t character_length(const uint8_t *bytes, size_t length, size_t *skip);

// Writes text as part of a JSON string. What would end a word, or a line, becomes a no-break space.
static void put_text(DynBuf *buffer, const char *text, bool is_word) {
    size_t length = strlen(text), skip;
    for (size_t at = 0; at < length;) {
        const uint8_t *next = (const uint8_t *)text + at;
        size_t size = character_length(next, length - at, &skip);
        if (!size) {
            dbuf_putstr(buffer, "\xEF\xBF\xBD");
            at += skip;
            continue;
        }
        if (*next < ' ' || (is_word && *next == ' ')) {
            dbuf_putstr(buffer, "\xC2\xA0");
        } else {
            if (*next == '"' || *next == '\\')
                dbuf_putc(buffer, '\\');
            dbuf_put(buffer, next, size);
        }
        at += size;
    }
}

// Returns the first of the program's own frames, from this one on; the prelude's and QuickJS's are passed over.
static JSStackFrame *own_frame(JSContext *ctx, JSStackFrame *frame) {
    for (; frame; frame = frame->prev_frame) {
        JSObject *function = JS_VALUE_GET_OBJ(frame->cur_func);
        if (!js_class_has_bytecode(function->class_id) || !frame->cur_pc)
            continue;
        JSAtom filename = function->u.func.function_bytecode->filename;
        const char *file = filename ? JS_AtomToCString(ctx, filename) : NULL;
        bool is_own = file && strncmp(file, "runtime:", 8) != 0;
        JS_FreeCString(ctx, file);
        if (is_own)
            return frame;
    }
    return NULL;
}

static JSFunctionBytecode *code_of(JSStackFrame *frame) {
    return JS_VALUE_GET_OBJ(frame->cur_func)->u.func.function_bytecode;
}

static const char *name_of(JSContext *ctx, JSStackFrame *frame) {
    const char *name = get_func_name(ctx, frame->cur_func);
    if (name && *name)
        return name;
    JS_FreeCString(ctx, name);
    return NULL;
}

static int line_of(JSContext *ctx, JSStackFrame *frame, int *column) {
    JSFunctionBytecode *code = code_of(frame);
    return find_line_num(ctx, code, frame->cur_pc - code->byte_code_buf - 1, column);
}

// Writes the program's own frames, the innermost first. It looks at them as they are: a program may say what
// Error.stack gives, and what is run for that.
static void put_place(JSContext *ctx, DynBuf *buffer) {
    JSStackFrame *frame = own_frame(ctx, ctx->rt->current_stack_frame);
    for (int left = MOST_FRAMES; frame && left; left--, frame = own_frame(ctx, frame->prev_frame)) {
        const char *file = JS_AtomToCString(ctx, code_of(frame)->filename), *name = name_of(ctx, frame);
        int column, line = line_of(ctx, frame, &column);
        put_text(buffer, name ? name : "<anonymous>", true);
        dbuf_putc(buffer, ' ');
        put_text(buffer, file ? file : "", false);
        dbuf_printf(buffer, ":%d:%d\\n", line, column);
        JS_FreeCString(ctx, name);
        JS_FreeCString(ctx, file);
    }
}

// --- What variables hold. A throw-away copy of a run is asked for that, in place of an answer to its call. ------------

static void push(JSContext *ctx, JSValue array, JSValue item);

// Adds a variable, unless it is not initialized yet.
static void push_variable(JSContext *ctx, JSValue variables, JSAtom name, JSValueConst value) {
    if (JS_IsUninitialized(value))
        return;
    JSValue pair = JS_NewArray(ctx);
    push(ctx, pair, JS_AtomToString(ctx, name));
    push(ctx, pair, JS_DupValue(ctx, value));
    push(ctx, variables, pair);
}

// [[name, value]] of the parameters, of the function's variables, and of those of functions around it that it uses.
static JSValue variables_of(JSContext *ctx, JSStackFrame *frame) {
    JSObject *function = JS_VALUE_GET_OBJ(frame->cur_func);
    JSFunctionBytecode *code = code_of(frame);
    JSValue variables = JS_NewArray(ctx);
    for (int i = 0; i < code->arg_count; i++)
        push_variable(ctx, variables, code->vardefs[i].var_name, frame->arg_buf[i]);
    // Before a block is entered its variables are undefined, so one that is does not show.
    int body = code->has_simple_parameter_list ? 1 : 2;
    for (int i = 0; i < code->var_count; i++) {
        JSVarDef *variable = &code->vardefs[code->arg_count + i];
        if (!variable->is_lexical || variable->scope_level <= body || !JS_IsUndefined(frame->var_buf[i]))
            push_variable(ctx, variables, variable->var_name, frame->var_buf[i]);
    }
    for (int i = 0; i < code->closure_var_count; i++) {
        JSClosureVar *closure = &code->closure_var[i];
        if (closure->closure_type == JS_CLOSURE_LOCAL || closure->closure_type == JS_CLOSURE_ARG)
            push_variable(ctx, variables, closure->var_name, *function->u.func.var_refs[i]->pvalue);
    }
    return variables;
}

// [{function, file, line, variables}], the innermost first.
static JSValue frames_of(JSContext *ctx) {
    JSValue frames = JS_NewArray(ctx);
    JSStackFrame *frame = own_frame(ctx, ctx->rt->current_stack_frame);
    for (int left = MOST_FRAMES; frame && left; left--, frame = own_frame(ctx, frame->prev_frame)) {
        const char *name = name_of(ctx, frame);
        int column;
        JSValue described = JS_NewObject(ctx);
        JS_SetPropertyStr(ctx, described, "function", JS_NewString(ctx, name ? name : "<anonymous>"));
        JS_SetPropertyStr(ctx, described, "file", JS_AtomToString(ctx, code_of(frame)->filename));
        JS_SetPropertyStr(ctx, described, "line", JS_NewInt32(ctx, line_of(ctx, frame, &column)));
        JS_SetPropertyStr(ctx, described, "variables", variables_of(ctx, frame));
        JS_FreeCString(ctx, name);
        push(ctx, frames, described);
    }
    return frames;
}

static const char locals_question[] = "{\"ask\":\"locals\"";

static void answer_locals(JSContext *ctx) {
    JSValue frames = frames_of(ctx);
    JSValue answer = JS_Call(ctx, on_locals, JS_UNDEFINED, 1, &frames);
    size_t length;
    const char *text = JS_ToCStringLen(ctx, &length, answer);
    if (!text)
        __builtin_trap();
    Text nothing;
    host_call("answered", 8, text, length, &nothing);
    // The host does not return from that.
    __builtin_trap();
}

// Asks the host; the body is a JSON object.
static void ask_host(JSContext *ctx, const char *op, size_t op_length, const char *body, size_t body_length,
                     Text *answer) {
    DynBuf traced;
    js_dbuf_init(ctx, &traced);
    if (is_traced) {
        dbuf_putstr(&traced, "{\"at\":\"");
        put_place(ctx, &traced);
        dbuf_putstr(&traced, body_length > 2 ? "\"," : "\"");
        dbuf_put(&traced, (const uint8_t *)body + 1, body_length - 1);
        if (dbuf_error(&traced))
            __builtin_trap();
        body = (const char *)traced.buf;
        body_length = traced.size;
    }
    host_call(op, op_length, body, body_length, answer);
    dbuf_free(&traced);
    if (answer->length >= sizeof locals_question - 1 &&
        memcmp(answer->text, locals_question, sizeof locals_question - 1) == 0)
        answer_locals(ctx);
}

// --- Time. What asks for it is told by the host: an activity the present, a workflow what is recorded. ---------------

typedef enum { CLOCK_STOPPED, CLOCK_REAL, CLOCK_RECORDED } ClockKind;
static ClockKind clock_kind = CLOCK_STOPPED;

static int64_t number_after(Text answer, const char *key) {
    char *found = NULL;
    size_t length = strlen(key);
    for (size_t i = 0; i + length < answer.length; i++) {
        if (memcmp(answer.text + i, key, length) == 0) {
            found = answer.text + i + length;
            break;
        }
    }
    int64_t number = 0;
    if (!found)
        __builtin_trap();
    for (char *end = answer.text + answer.length; found < end && (*found == ':' || *found == ' '); found++) {
    }
    for (char *end = answer.text + answer.length; found < end && *found >= '0' && *found <= '9'; found++)
        number = number * 10 + (*found - '0');
    return number;
}

static int64_t now_us(void) {
    Text answer;
    int64_t now = 0;
    switch (clock_kind) {
    case CLOCK_STOPPED:
        return 0;
    case CLOCK_REAL:
        ask_host(context, "now", 3, "{}", 2, &answer);
        now = number_after(answer, "\"us\"");
        break;
    case CLOCK_RECORDED: {
        // A delay that is due at once: its moment is in the history, so that a replay reads the same time.
        static const char schedule[] = "{\"schedule\":\"now\"}";
        ask_host(context, "sleep", 5, schedule, sizeof schedule - 1, &answer);
        now = number_after(answer, "\"expires_at_us\"");
        break;
    }
    }
    free(answer.text);
    return now;
}

int gettimeofday(struct timeval *restrict value, void *restrict zone) {
    (void)zone;
    int64_t now = now_us();
    value->tv_sec = now / 1000000;
    value->tv_usec = (suseconds_t)(now % 1000000);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *value) {
    (void)clock;
    int64_t now = now_us();
    value->tv_sec = now / 1000000;
    value->tv_nsec = (long)(now % 1000000) * 1000;
    return 0;
}

// Local time is UTC.
struct tm *localtime_r(const time_t *restrict when, struct tm *restrict parts) {
    (void)when;
    memset(parts, 0, sizeof *parts);
    return parts;
}

// --- What the prelude is given: the module "runtime:native". --------------------------------------------------------

static JSValue native_call(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    size_t op_length, body_length;
    const char *op = JS_ToCStringLen(ctx, &op_length, argv[0]);
    if (!op)
        return JS_EXCEPTION;
    const char *body = JS_ToCStringLen(ctx, &body_length, argv[1]);
    if (!body) {
        JS_FreeCString(ctx, op);
        return JS_EXCEPTION;
    }
    Text answer;
    ask_host(ctx, op, op_length, body, body_length, &answer);
    JS_FreeCString(ctx, op);
    JS_FreeCString(ctx, body);
    JSValue result = JS_NewStringLen(ctx, answer.text, answer.length);
    free(answer.text);
    return result;
}

static JSValue native_set_handlers(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    on_describe = JS_DupValue(ctx, argv[0]);
    on_run = JS_DupValue(ctx, argv[1]);
    on_query = JS_DupValue(ctx, argv[2]);
    on_normalize = JS_DupValue(ctx, argv[3]);
    on_load = JS_DupValue(ctx, argv[4]);
    on_reject = JS_DupValue(ctx, argv[5]);
    on_locals = JS_DupValue(ctx, argv[6]);
    return JS_UNDEFINED;
}

// Tells the prelude of promises that are rejected without a handler, and of those that get one later.
static void on_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, bool is_handled, void *opaque) {
    (void)opaque;
    if (JS_IsUndefined(on_reject))
        return;
    JSValueConst args[] = {promise, reason, JS_NewBool(ctx, is_handled)};
    JS_FreeValue(ctx, JS_Call(ctx, on_reject, JS_UNDEFINED, 3, args));
}

static JSValue native_set_clock(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    int kind;
    if (JS_ToInt32(ctx, &kind, argv[0]))
        return JS_EXCEPTION;
    clock_kind = (ClockKind)kind;
    return JS_UNDEFINED;
}

static JSValue native_set_traced(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    is_traced = JS_ToBool(ctx, argv[0]);
    return JS_UNDEFINED;
}

// Runs what promises have put in line, until nothing is left.
static JSValue native_drain(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc, (void)argv;
    JSContext *of_job;
    int state;
    while ((state = JS_ExecutePendingJob(JS_GetRuntime(ctx), &of_job)) > 0) {
    }
    return state < 0 ? JS_EXCEPTION : JS_UNDEFINED;
}

static JSValue native_encode(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    size_t length;
    const char *text = JS_ToCStringLen(ctx, &length, argv[0]);
    if (!text)
        return JS_EXCEPTION;
    JSValue bytes = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text, length);
    JS_FreeCString(ctx, text);
    return bytes;
}

// How long a well-formed character at the start of these bytes is; 0 if there is none, and then *skip says how many bytes
// stand for one U+FFFD (Encoding Standard, "UTF-8 decoder").
static size_t character_length(const uint8_t *bytes, size_t length, size_t *skip) {
    uint8_t lead = bytes[0], low = 0x80, high = 0xBF;
    size_t needed;
    *skip = 1;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        needed = 1;
    else if (lead >= 0xE0 && lead <= 0xEF)
        needed = 2;
    else if (lead >= 0xF0 && lead <= 0xF4)
        needed = 3;
    else
        return 0;
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    for (size_t i = 1; i <= needed; i++) {
        if (i >= length || bytes[i] < low || bytes[i] > high) {
            *skip = i;
            return 0;
        }
        low = 0x80, high = 0xBF;
    }
    return needed + 1;
}

// (bytes, isFatal) -> text
static JSValue native_decode(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    size_t length, skip, written = 0;
    uint8_t *bytes = JS_GetUint8Array(ctx, &length, argv[0]);
    if (!bytes)
        return JS_EXCEPTION;
    int is_fatal = JS_ToBool(ctx, argv[1]);
    if (length > (SIZE_MAX - 1) / 3)
        return JS_ThrowRangeError(ctx, "too many bytes for one text");
    char *text = js_malloc(ctx, length * 3 + 1);
    if (!text)
        return JS_EXCEPTION;
    for (size_t at = 0; at < length;) {
        size_t size = character_length(bytes + at, length - at, &skip);
        if (size) {
            memcpy(text + written, bytes + at, size);
            written += size, at += size;
        } else if (is_fatal) {
            js_free(ctx, text);
            return JS_ThrowTypeError(ctx, "the bytes are not UTF-8 text");
        } else {
            memcpy(text + written, "\xEF\xBF\xBD", 3);
            written += 3, at += skip;
        }
    }
    JSValue result = JS_NewStringLen(ctx, text, written);
    js_free(ctx, text);
    return result;
}

// Makes Math.random give other values from now on.
static JSValue native_seed(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    int64_t seed;
    if (JS_ToBigInt64(ctx, &seed, argv[0]))
        return JS_EXCEPTION;
    ctx->random_state = seed ? (uint64_t)seed : 1;
    return JS_UNDEFINED;
}

static JSValue module_name(JSContext *ctx, JSModuleDef *module) {
    return JS_AtomToString(ctx, module->module_name);
}

static void push(JSContext *ctx, JSValue array, JSValue item) {
    int64_t length = 0;
    JS_GetLength(ctx, array, &length);
    JS_SetPropertyUint32(ctx, array, (uint32_t)length, item);
}

static JSValue wanted(JSContext *ctx, JSModuleDef *module, int request, JSAtom name) {
    JSValue pair = JS_NewArray(ctx);
    JSModuleDef *other = module->req_module_entries[request].module;
    push(ctx, pair, other ? module_name(ctx, other) : JS_AtomToString(ctx, module->req_module_entries[request].module_name));
    push(ctx, pair, JS_AtomToString(ctx, name));
    return pair;
}

// Compiles a module and all it imports; returns [{name, requests, imports, exports}] for those that have source.
static JSValue native_inspect(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    const char *name = JS_ToCString(ctx, argv[0]);
    size_t length;
    const char *source = JS_ToCStringLen(ctx, &length, argv[1]);
    if (!name || !source) {
        JS_FreeCString(ctx, name);
        JS_FreeCString(ctx, source);
        return JS_EXCEPTION;
    }
    JSValue compiled = JS_Eval(ctx, source, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    JS_FreeCString(ctx, name);
    JS_FreeCString(ctx, source);
    if (JS_IsException(compiled))
        return compiled;
    JSValue modules = JS_NewArray(ctx);
    struct list_head *element;
    list_for_each(element, &ctx->loaded_modules) {
        JSModuleDef *module = list_entry(element, JSModuleDef, link);
        if (module->init_func)
            continue;
        JSValue requests = JS_NewArray(ctx), imports = JS_NewArray(ctx), exports = JS_NewArray(ctx);
        for (int i = 0; i < module->req_module_entries_count; i++) {
            JSModuleDef *other = module->req_module_entries[i].module;
            push(ctx, requests,
                 other ? module_name(ctx, other) : JS_AtomToString(ctx, module->req_module_entries[i].module_name));
        }
        for (int i = 0; i < module->import_entries_count; i++) {
            JSImportEntry *entry = &module->import_entries[i];
            push(ctx, imports, wanted(ctx, module, entry->req_module_idx, entry->import_name));
        }
        for (int i = 0; i < module->export_entries_count; i++) {
            JSExportEntry *entry = &module->export_entries[i];
            push(ctx, exports, JS_AtomToString(ctx, entry->export_name));
            if (entry->export_type == JS_EXPORT_TYPE_INDIRECT)
                push(ctx, imports, wanted(ctx, module, entry->u.req_module_idx, entry->local_name));
        }
        for (int i = 0; i < module->star_export_entries_count; i++)
            push(ctx, imports, wanted(ctx, module, module->star_export_entries[i].req_module_idx, JS_ATOM__star_));
        JSValue described = JS_NewObject(ctx);
        JS_SetPropertyStr(ctx, described, "name", module_name(ctx, module));
        JS_SetPropertyStr(ctx, described, "requests", requests);
        JS_SetPropertyStr(ctx, described, "imports", imports);
        JS_SetPropertyStr(ctx, described, "exports", exports);
        push(ctx, modules, described);
    }
    JS_FreeValue(ctx, compiled);
    return modules;
}

static const JSCFunctionListEntry natives[] = {
    JS_CFUNC_DEF("call", 2, native_call),
    JS_CFUNC_DEF("setHandlers", 7, native_set_handlers),
    JS_CFUNC_DEF("setClock", 1, native_set_clock),
    JS_CFUNC_DEF("setTraced", 1, native_set_traced),
    JS_CFUNC_DEF("drain", 0, native_drain),
    JS_CFUNC_DEF("encode", 1, native_encode),
    JS_CFUNC_DEF("decode", 2, native_decode),
    JS_CFUNC_DEF("seed", 1, native_seed),
    JS_CFUNC_DEF("inspect", 2, native_inspect),
};

static int init_natives(JSContext *ctx, JSModuleDef *module) {
    return JS_SetModuleExportList(ctx, module, natives, countof(natives));
}

// --- Modules. -------------------------------------------------------------------------------------------------------

#include "prelude.h" // static const struct { const char *name, *source; size_t length; } prelude[]; written by build.sh

static char *normalize(JSContext *ctx, const char *base, const char *name, void *opaque) {
    (void)opaque;
    if (strncmp(base, "runtime:", 8) == 0)
        return js_strdup(ctx, name);
    JSValue args[] = {JS_NewString(ctx, base), JS_NewString(ctx, name)};
    JSValue answer = JS_Call(ctx, on_normalize, JS_UNDEFINED, 2, args);
    JS_FreeValue(ctx, args[0]);
    JS_FreeValue(ctx, args[1]);
    if (JS_IsException(answer))
        return NULL;
    const char *normalized = JS_ToCString(ctx, answer);
    JS_FreeValue(ctx, answer);
    char *copy = normalized ? js_strdup(ctx, normalized) : NULL;
    JS_FreeCString(ctx, normalized);
    return copy;
}

static JSModuleDef *compile(JSContext *ctx, const char *name, const char *source, size_t length) {
    JSValue compiled = JS_Eval(ctx, source, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(compiled))
        return NULL;
    JSModuleDef *module = JS_VALUE_GET_PTR(compiled);
    JS_FreeValue(ctx, compiled);
    return module;
}

static int init_made_module(JSContext *ctx, JSModuleDef *module) {
    JSValue exports = JS_GetModulePrivateValue(ctx, module);
    JSPropertyEnum *names;
    uint32_t count;
    if (JS_GetOwnPropertyNames(ctx, &names, &count, exports, JS_GPN_STRING_MASK)) {
        JS_FreeValue(ctx, exports);
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *name = JS_AtomToCString(ctx, names[i].atom);
        JS_SetModuleExport(ctx, module, name, JS_GetProperty(ctx, exports, names[i].atom));
        JS_FreeCString(ctx, name);
    }
    JS_FreePropertyEnum(ctx, names, count);
    JS_FreeValue(ctx, exports);
    return 0;
}

// A module whose exports are the properties of an object.
static JSModuleDef *make_module(JSContext *ctx, const char *name, JSValueConst exports) {
    JSModuleDef *module = JS_NewCModule(ctx, name, init_made_module);
    JSPropertyEnum *names;
    uint32_t count;
    if (!module || JS_GetOwnPropertyNames(ctx, &names, &count, exports, JS_GPN_STRING_MASK))
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        const char *export = JS_AtomToCString(ctx, names[i].atom);
        JS_AddModuleExport(ctx, module, export);
        JS_FreeCString(ctx, export);
    }
    JS_FreePropertyEnum(ctx, names, count);
    JS_SetModulePrivateValue(ctx, module, JS_DupValue(ctx, exports));
    return module;
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque) {
    (void)opaque;
    if (strcmp(name, "runtime:native") == 0) {
        JSModuleDef *module = JS_NewCModule(ctx, name, init_natives);
        JS_AddModuleExportList(ctx, module, natives, countof(natives));
        return module;
    }
    for (size_t i = 0; i < countof(prelude); i++) {
        if (strcmp(name, prelude[i].name) == 0)
            return compile(ctx, name, prelude[i].source, prelude[i].length);
    }
    JSValue arg = JS_NewString(ctx, name);
    JSValue answer = JS_Call(ctx, on_load, JS_UNDEFINED, 1, &arg);
    JS_FreeValue(ctx, arg);
    if (JS_IsException(answer))
        return NULL;
    JSModuleDef *module = NULL;
    if (JS_IsString(answer)) {
        size_t length;
        const char *source = JS_ToCStringLen(ctx, &length, answer);
        if (source)
            module = compile(ctx, name, source, length);
        JS_FreeCString(ctx, source);
    } else {
        module = make_module(ctx, name, answer);
    }
    JS_FreeValue(ctx, answer);
    return module;
}

// --- The component's exports. ---------------------------------------------------------------------------------------

// Called while the runtime is built, before the snapshot.
EXPORT("prepare") int prepare(void) {
    runtime = JS_NewRuntime();
    context = JS_NewContext(runtime);
    JS_SetModuleLoaderFunc(runtime, normalize, load, NULL);
    JS_SetHostPromiseRejectionTracker(runtime, on_rejection, NULL);
    static const char start[] = "import \"runtime:main\";";
    JSValue result = JS_Eval(context, start, sizeof start - 1, "runtime:start", JS_EVAL_TYPE_MODULE);
    JSContext *of_job;
    while (JS_ExecutePendingJob(runtime, &of_job) > 0) {
    }
    if (JS_IsException(result) || JS_PromiseState(context, result) != JS_PROMISE_FULFILLED)
        return 1;
    JS_RunGC(runtime);
    return 0;
}

// Why the prelude could not be loaded, for whoever builds it.
EXPORT("prepare-failure") const char *prepare_failure(void) {
    JSValue error = JS_GetException(context);
    return JS_ToCString(context, error);
}

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)old_size, (void)align;
    void *memory = realloc(old, size);
    if (!memory && size)
        __builtin_trap();
    return memory;
}

static Text returned;

static Text *answer_of(JSValueConst handler, int argc, JSValue *argv) {
    JS_UpdateStackTop(runtime);
    runtime->stack_limit = runtime->stack_top - STACK_LIMIT;
    JSValue answer = JS_Call(context, handler, JS_UNDEFINED, argc, argv);
    for (int i = 0; i < argc; i++)
        JS_FreeValue(context, argv[i]);
    // The prelude's handlers answer with text, whatever happens; what they cannot answer to is a broken sandbox.
    if (!JS_IsString(answer))
        __builtin_trap();
    size_t length;
    const char *text = JS_ToCStringLen(context, &length, answer);
    if (!text)
        __builtin_trap();
    returned.text = malloc(length ? length : 1);
    if (!returned.text)
        __builtin_trap();
    memcpy(returned.text, text, length);
    returned.length = length;
    JS_FreeCString(context, text);
    JS_FreeValue(context, answer);
    return &returned;
}

static JSValue taken(char *text, size_t length) {
    JSValue value = JS_NewStringLen(context, text, length);
    free(text);
    return value;
}

EXPORT(INTERFACE "describe") Text *describe(char *request, size_t length) {
    JSValue args[] = {taken(request, length)};
    return answer_of(on_describe, 1, args);
}

EXPORT(INTERFACE "run") Text *run(char *kind, size_t kind_length, char *artefact, size_t artefact_length, char *function,
                                  size_t function_length, char *params, size_t params_length, char *about,
                                  size_t about_length) {
    JSValue args[] = {
        taken(kind, kind_length),     taken(artefact, artefact_length), taken(function, function_length),
        taken(params, params_length), taken(about, about_length),
    };
    return answer_of(on_run, 5, args);
}

EXPORT(INTERFACE "query") Text *query(char *function, size_t function_length, char *params, size_t params_length) {
    JSValue args[] = {taken(function, function_length), taken(params, params_length)};
    return answer_of(on_query, 2, args);
}

EXPORT("cabi_post_" INTERFACE "describe") void after_describe(Text *answer) { free(answer->text); }
EXPORT("cabi_post_" INTERFACE "run") void after_run(Text *answer) { free(answer->text); }
EXPORT("cabi_post_" INTERFACE "query") void after_query(Text *answer) { free(answer->text); }
