// DIN's logits of many items after one history: backbones/din.py, FoldedDin, whose docstring says what is folded.
//
// Items are taken in blocks, and nothing that is made of a block leaves the cache: the graph writes the first layer of
// the attention, a number for each item, entry and unit, to memory three times. All sizes are whole multiples of 4.
//
// What an item's logit would be without an entry needs no second look at the history: each entry adds to the head's
// first layer what it alone says, so that this is taken away, and what comes after is computed anew.
#include "tiles.h"

struct Sizes {
    int64_t asked, entries, width, attributes, first, second, head, rows, last, signals, temperatures;
    int64_t contexts; // of folded_din_without
    int64_t features() const { return temperatures ? 1 + 2 * temperatures : 0; }
    int64_t beside() const { return entries + features() + signals; }
};

// What a version has (`table` to `slope`), and what was made of one history (`past` on).
struct Given {
    const float *table;                           // (V, width) vectors of items, attributes last
    const float *rows;                            // (V, rows) what the head's first layer makes of an item, or
    const float *of_rows;                         // (head, rows) what it makes of a row; else null
    const float *of_product, *of_candidate;       // (first, width) of the attention
    const float *second, *second_bias;            // (second, first), (second)
    const float *third, *third_bias;              // (second), (1)
    const float *head, *head_bias;                // (last, head), (last)
    const float *out, *out_bias;                  // (last), (1)
    const float *rates;                           // (temperatures) log2(e) / temperature of the history match
    const float *slope;                           // slope and intercept of the calibration
    const float *past;                            // (entries, width)
    const float *alone;                           // (entries, first) what the attention makes of an entry, with its bias
    const float *met, *worth;                     // (entries, width - attributes) of length 1, (entries)
    const float *to_head;                         // (head, entries + features + signals)
    const float *of_end_user;                     // (head), of folded_din_without a second row: as if nothing were told
    const float *signals;                         // (asked, signals), of folded_din_without (contexts, asked, signals)
};
constexpr float SCALE = 4.0f; // of the history match: backbones/match.py

static void relu(int64_t size, float* values) {
    for (int64_t i = 0; i < size; i++) values[i] = values[i] > 0 ? values[i] : 0;
}

// to (rows, BLOCK): row r holds bias[r]
static void spread(int64_t rows, const float* bias, float* to) {
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < BLOCK; i++) to[r * BLOCK + i] = bias[r];
}

// to (width, BLOCK): rows of a table, one a column; columns past `count` are the first one's
static void gather(const float* table, int64_t width, const int64_t* item, int64_t count, float* to) {
    const float* from[BLOCK];
    for (int i = 0; i < BLOCK; i++) from[i] = table + item[i < count ? i : 0] * width;
    for (int64_t k = 0; k < width; k++)
        for (int i = 0; i < BLOCK; i++) to[k * BLOCK + i] = from[i][k];
}

// to (entries, BLOCK): how much each entry has to do with `items` (width, BLOCK). `weights`: as `weigh` makes them;
// `hidden`: scratch (first + second, BLOCK)
static void attend(const Sizes& size, const Given& given, const float* weights, const float* items, float* hidden,
                   float* to) {
    const int64_t W = size.width, F = size.first, S = size.second;
    float *first = hidden, *second = hidden + F * BLOCK;
    for (int64_t l = 0; l < size.entries; l++) {
        spread(F, given.alone + l * F, first);
        multiply<float>(F, W, weights + l * F * W, W, items, first);
        relu(F * BLOCK, first);
        spread(S, given.second_bias, second);
        multiply<float>(S, F, given.second, F, first, second);
        float* weight = to + l * BLOCK;
        spread(1, given.third_bias, weight);
        for (int64_t s = 0; s < S; s++)
            for (int i = 0; i < BLOCK; i++) {
                const float unit = second[s * BLOCK + i];
                weight[i] += (unit > 0 ? unit : 0) * given.third[s];
            }
    }
}

// to (entries, first, width): of the attention's first layer, for each entry
static void weigh(const Sizes& size, const Given& given, float* to) {
    const int64_t W = size.width, F = size.first;
    for (int64_t l = 0; l < size.entries; l++)
        for (int64_t f = 0; f < F; f++)
            for (int64_t w = 0; w < W; w++)
                to[(l * F + f) * W + w] =
                    given.of_product[f * W + w] * given.past[l * W + w] + given.of_candidate[f * W + w];
}

// to (2, BLOCK): the features of one temperature from the sum of the weights and that of what they weigh
static void of_sums(const float* total, const float* weighed, float* to) {
    for (int i = 0; i < BLOCK; i++) {
        to[i] = SCALE * weighed[i] / (total[i] + 1.0f);
        to[BLOCK + i] = SCALE * log1pf(total[i]);
    }
}

// The history match: what was thought of items that are alike (backbones/match.py).
// near (temperatures, entries, BLOCK): the weight of each entry; sums (temperatures, 2, BLOCK): of the weights, and of
// what they weigh; `alike`: scratch (entries + 4, BLOCK)
static void match(const Sizes& size, const Given& given, const float* items, float* alike, float* near, float* sums) {
    const int64_t width = size.width - size.attributes;
    const float* own = items + size.attributes * BLOCK;
    float length[BLOCK] = {};
    for (int64_t k = 0; k < width; k++)
        for (int i = 0; i < BLOCK; i++) length[i] += own[k * BLOCK + i] * own[k * BLOCK + i];
    for (int i = 0; i < BLOCK; i++) {
        length[i] = std::sqrt(length[i]);
        length[i] = 1.0f / (length[i] > 1e-12f ? length[i] : 1e-12f);
    }
    const int64_t filled = (size.entries + 3) / 4 * 4; // `met` is filled up with zeros to whole tiles
    memset(alike, 0, filled * BLOCK * sizeof(float));
    multiply<float>(filled, width, given.met, width, own, alike);
    for (int64_t t = 0; t < size.temperatures; t++) {
        float total[BLOCK] = {}, weighed[BLOCK] = {};
        for (int64_t l = 0; l < size.entries; l++) {
            float* weights = near + (t * size.entries + l) * BLOCK;
            for (int i = 0; i < BLOCK; i++) {
                const float weight = power_of_two((alike[l * BLOCK + i] * length[i] - 1.0f) * given.rates[t]);
                total[i] += weight;
                weighed[i] += weight * given.worth[l];
                weights[i] = weight;
            }
        }
        memcpy(sums + 2 * t * BLOCK, total, sizeof total);
        memcpy(sums + (2 * t + 1) * BLOCK, weighed, sizeof weighed);
    }
}

// What all entries are worth together.
static float worth_of_all(const Sizes& size, const Given& given) {
    float worth = 0;
    for (int64_t l = 0; l < size.entries; l++) worth += given.worth[l];
    return worth;
}

// to (head, BLOCK): what the head's first layer makes of `count` items; `rows`: scratch (rows, BLOCK)
static void of_items(const Sizes& size, const Given& given, const int64_t* item, int64_t count, float* rows,
                     float* to) {
    if (given.of_rows) {
        gather(given.rows, size.rows, item, count, rows);
        memset(to, 0, size.head * BLOCK * sizeof(float));
        multiply<float>(size.head, size.rows, given.of_rows, size.rows, rows, to);
    } else {
        gather(given.rows, size.head, item, count, to);
    }
}

// to (BLOCK): the logits of what has arrived at the head's first layer (head, BLOCK); `last`: scratch (last, BLOCK)
static void answer(const Sizes& size, const Given& given, float* hidden, float* last, float* to) {
    relu(size.head * BLOCK, hidden);
    spread(size.last, given.head_bias, last);
    multiply<float>(size.last, size.head, given.head, size.head, hidden, last);
    spread(1, given.out_bias, to);
    for (int64_t r = 0; r < size.last; r++)
        for (int i = 0; i < BLOCK; i++) {
            const float unit = last[r * BLOCK + i];
            to[i] += (unit > 0 ? unit : 0) * given.out[r];
        }
    for (int i = 0; i < BLOCK; i++) to[i] = to[i] * given.slope[0] + given.slope[1];
}

// Memory for blocks, one after the other.
struct Scratch {
    float *weights, *items, *layers, *joined, *alike, *near, *sums, *hidden, *rows, *last;
    Scratch(const Sizes& size, Arena& arena) {
        weights = arena.zeros<float>(size.entries * size.first * size.width);
        items = arena.zeros<float>(size.width * BLOCK);
        layers = arena.zeros<float>((size.first + size.second) * BLOCK);
        joined = arena.zeros<float>(size.beside() * BLOCK);
        alike = arena.zeros<float>((size.entries + 4) * BLOCK);
        near = arena.zeros<float>(size.temperatures * size.entries * BLOCK);
        sums = arena.zeros<float>(2 * size.temperatures * BLOCK);
        hidden = arena.zeros<float>(size.head * BLOCK);
        rows = arena.zeros<float>(size.rows * BLOCK);
        last = arena.zeros<float>(size.last * BLOCK);
    }
};

// logits (asked). 0, or 1 without memory
extern "C" int64_t folded_din(const Sizes* sizes, const Given* all, const int64_t* item, double* logits) {
    const Sizes& size = *sizes;
    const Given& given = *all;
    const int64_t H = size.head, beside = size.beside();
    Arena arena;
    Scratch use(size, arena);
    if (arena.failed) return 1;
    weigh(size, given, use.weights);
    const float worth = size.temperatures ? worth_of_all(size, given) : 0;
    for (int64_t begin = 0; begin < size.asked; begin += BLOCK) {
        const int64_t count = size.asked - begin < BLOCK ? size.asked - begin : BLOCK;
        gather(given.table, size.width, item + begin, count, use.items);
        attend(size, given, use.weights, use.items, use.layers, use.joined);
        if (size.temperatures) {
            float* features = use.joined + size.entries * BLOCK;
            match(size, given, use.items, use.alike, use.near, use.sums);
            for (int i = 0; i < BLOCK; i++) features[i] = SCALE * worth / static_cast<float>(size.entries + 1);
            for (int64_t t = 0; t < size.temperatures; t++) {
                const float* sums = use.sums + 2 * t * BLOCK;
                of_sums(sums, sums + BLOCK, features + (1 + 2 * t) * BLOCK);
            }
        }
        for (int64_t k = 0; k < size.signals; k++)
            for (int64_t i = 0; i < count; i++)
                use.joined[(beside - size.signals + k) * BLOCK + i] = given.signals[(begin + i) * size.signals + k];
        of_items(size, given, item + begin, count, use.rows, use.hidden);
        multiply<float>(H, beside, given.to_head, beside, use.joined, use.hidden);
        for (int64_t h = 0; h < H; h++)
            for (int i = 0; i < BLOCK; i++) use.hidden[h * BLOCK + i] += given.of_end_user[h];
        float found[BLOCK];
        answer(size, given, use.hidden, use.last, found);
        for (int64_t i = 0; i < count; i++) logits[begin + i] = found[i];
    }
    return 0;
}

// logits (contexts, asked): after the whole history, then without each entry in turn, then, if there is one more
// context, after the whole history with the second row of `of_end_user`. 0, or 1 without memory
extern "C" int64_t folded_din_without(const Sizes* sizes, const Given* all, const int64_t* item, double* logits) {
    const Sizes& size = *sizes;
    const Given& given = *all;
    const int64_t H = size.head, L = size.entries, beside = size.beside(), others = beside - L;
    Arena arena;
    Scratch use(size, arena);
    float *base = arena.zeros<float>(H * BLOCK), *others_of = arena.zeros<float>((others + 1) * BLOCK);
    if (arena.failed) return 1;
    weigh(size, given, use.weights);
    const float worth = size.temperatures ? worth_of_all(size, given) : 0;
    for (int64_t begin = 0; begin < size.asked; begin += BLOCK) {
        const int64_t count = size.asked - begin < BLOCK ? size.asked - begin : BLOCK;
        gather(given.table, size.width, item + begin, count, use.items);
        attend(size, given, use.weights, use.items, use.layers, use.joined);
        if (size.temperatures) match(size, given, use.items, use.alike, use.near, use.sums);
        of_items(size, given, item + begin, count, use.rows, base);
        multiply<float>(H, L, given.to_head, beside, use.joined, base);
        for (int64_t from = 0; from < size.contexts * count; from += BLOCK) { // a column: an item in a context
            int32_t context[BLOCK], row[BLOCK], entry[BLOCK]; // entry: what is left out, or -1
            int32_t of_left[BLOCK], end_user[BLOCK];          // where the head's first layer has these
            float left[BLOCK];                                // the entry's weight, or 0
            const int64_t columns = size.contexts * count - from < BLOCK ? size.contexts * count - from : BLOCK;
            for (int64_t c = 0; c < BLOCK; c++) {
                const int64_t at = from + (c < columns ? c : 0);
                context[c] = static_cast<int32_t>(at / count);
                row[c] = static_cast<int32_t>(at % count);
                entry[c] = context[c] <= L ? context[c] - 1 : -1;
                left[c] = entry[c] < 0 ? 0 : use.joined[entry[c] * BLOCK + row[c]];
                of_left[c] = entry[c] < 0 ? 0 : entry[c];
                end_user[c] = context[c] > L ? 1 : 0;
            }
            for (int64_t h = 0; h < H; h++) {
                const float *of_row = base + h * BLOCK, *of_entry = L ? given.to_head + h * beside : of_row;
                const float of_end_user[2] = {given.of_end_user[h], size.contexts > L + 1 ? given.of_end_user[H + h] : 0};
                float* to = use.hidden + h * BLOCK;
                for (int c = 0; c < BLOCK; c++)
                    to[c] = of_row[row[c]] - left[c] * of_entry[of_left[c]] + of_end_user[end_user[c]];
            }
            for (int c = 0; c < BLOCK && size.temperatures; c++)
                others_of[c] = SCALE * (entry[c] < 0 ? worth : worth - given.worth[entry[c]]) /
                               static_cast<float>(entry[c] < 0 ? L + 1 : L);
            for (int64_t t = 0; t < size.temperatures; t++) {
                float total[BLOCK], weighed[BLOCK];
                const float* sums = use.sums + 2 * t * BLOCK;
                for (int c = 0; c < BLOCK; c++) {
                    const float weight = entry[c] < 0 ? 0 : use.near[(t * L + entry[c]) * BLOCK + row[c]];
                    total[c] = sums[row[c]] - weight;
                    total[c] = total[c] > 0 ? total[c] : 0;
                    weighed[c] = sums[BLOCK + row[c]] - (entry[c] < 0 ? 0 : weight * given.worth[entry[c]]);
                }
                of_sums(total, weighed, others_of + (1 + 2 * t) * BLOCK);
            }
            for (int64_t k = 0; k < size.signals; k++)
                for (int c = 0; c < BLOCK; c++)
                    others_of[(others - size.signals + k) * BLOCK + c] =
                        given.signals[(context[c] * size.asked + begin + row[c]) * size.signals + k];
            multiply<float>(H, others, given.to_head + L, beside, others_of, use.hidden);
            float found[BLOCK];
            answer(size, given, use.hidden, use.last, found);
            for (int64_t c = 0; c < columns; c++) logits[context[c] * size.asked + begin + row[c]] = found[c];
        }
    }
    return 0;
}
